using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Where the creator hands out its segment, or why there is none.</summary>
internal sealed record SegmentOffer(string? Socket, string? Nonce, string? Error);

/// <summary>
/// Brings one <see cref="SharedSegment"/> to all ranks of a node: the first one creates it and hands its descriptor over a local socket to processes of
/// the same user. Who has received it and read the creator's nonce in it shares memory with the creator; names of hosts prove nothing.
/// </summary>
internal static class SegmentExchange
{
    private const int NonceBytes = 16;

    /// <summary>The creator's half. Dispose the handout when all members have voted.</summary>
    internal static async Task<(SharedSegment Segment, IAsyncDisposable Handout)> OfferAsync(IStore store, string key, SegmentLayout layout, long generation, CancellationToken cancellationToken)
    {
        byte[] nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        int descriptor = -1;
        SharedSegment? segment = null;
        Handout? handout = null;
        try
        {
            descriptor = SharedSegment.Create(layout.TotalBytes);
            segment = SharedSegment.Map(descriptor, layout.TotalBytes);
            WriteHeader(segment, layout, generation);
            handout = new Handout(descriptor, nonce);
            descriptor = -1;
            await PublishAsync(new SegmentOffer(handout.SocketName, Convert.ToHexStringLower(nonce), null)).ConfigureAwait(false);
            return (segment, handout);
        }
        catch (Exception e)
        {
            if (handout is not null)
                await handout.DisposeAsync().ConfigureAwait(false);
            segment?.Dispose();
            if (descriptor >= 0)
                _ = PosixNative.close(descriptor);
            if (e is IOException and not StoreException)
                await PublishAsync(new SegmentOffer(null, null, e.Message)).ConfigureAwait(false);
            throw;
        }

        ValueTask PublishAsync(SegmentOffer offer) => store.SetAsync(key, JsonSerializer.SerializeToUtf8Bytes(offer, GroupJson.Default.SegmentOffer), cancellationToken);
    }

    /// <summary>The other ranks' half. Throws <see cref="IOException"/> or <see cref="TimeoutException"/>.</summary>
    internal static async Task<SharedSegment> AcceptAsync(IStore store, string key, SegmentLayout layout, long generation, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        byte[] text = await store.GetAsync(key, timeout, cancellationToken).ConfigureAwait(false);
        SegmentOffer offer = JsonSerializer.Deserialize(text, GroupJson.Default.SegmentOffer) ?? throw new IOException("an empty offer of shared memory");
        if (offer.Error is not null)
            throw new IOException(offer.Error);

        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        byte[] nonce = new byte[NonceBytes];
        int descriptor;
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint("\0" + offer.Socket), deadline.Token).ConfigureAwait(false);
            PeerCredentials.DemandSameUser(socket);
            await socket.ReceiveAsync(Memory<byte>.Empty, deadline.Token).ConfigureAwait(false);
            if (PosixNative.ReceiveDescriptor((int)socket.Handle, out descriptor, nonce) != NonceBytes || descriptor < 0)
                throw new IOException($"no descriptor of shared memory came over the local socket: {PosixNative.Describe(PosixNative.Errno)}");
        }
        catch (SocketException e)
        {
            throw new IOException($"The node's first rank does not hand out its shared memory: {e.Message}. Ranks with one COLLECTIVES_HOST_ID must see one network namespace.", e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The node's first rank did not hand out its shared memory within {timeout.TotalSeconds:0.###} s.");
        }

        try
        {
            if (Convert.ToHexStringLower(nonce) != offer.Nonce)
                throw new IOException("the segment came with another nonce than the store announced");
            SharedSegment segment = SharedSegment.Map(descriptor, layout.TotalBytes);
            if (HeaderMatches(segment, layout, generation))
                return segment;
            segment.Dispose();
            throw new IOException("the segment that came has another layout or generation");
        }
        finally
        {
            _ = PosixNative.close(descriptor);
        }
    }

    private static unsafe void WriteHeader(SharedSegment segment, SegmentLayout layout, long generation)
    {
        byte* header = segment.Base;
        *(ulong*)(header + SegmentLayout.MagicOffset) = SegmentLayout.Magic;
        *(int*)(header + SegmentLayout.VersionOffset) = SegmentLayout.Version;
        *(int*)(header + SegmentLayout.RanksOffset) = layout.Ranks;
        *(long*)(header + SegmentLayout.GenerationOffset) = generation;
        *(int*)(header + SegmentLayout.ChunkBytesOffset) = layout.ChunkBytes;
    }

    private static unsafe bool HeaderMatches(SharedSegment segment, SegmentLayout layout, long generation)
    {
        byte* header = segment.Base;
        return *(ulong*)(header + SegmentLayout.MagicOffset) == SegmentLayout.Magic
            && *(int*)(header + SegmentLayout.VersionOffset) == SegmentLayout.Version
            && *(int*)(header + SegmentLayout.RanksOffset) == layout.Ranks
            && *(long*)(header + SegmentLayout.GenerationOffset) == generation
            && *(int*)(header + SegmentLayout.ChunkBytesOffset) == layout.ChunkBytes;
    }

    /// <summary>Owns the descriptor; gives it to every process of this user that asks, until disposed.</summary>
    private sealed class Handout : IAsyncDisposable
    {
        private readonly int _descriptor;
        private readonly byte[] _nonce;
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly CancellationTokenSource _closing = new();
        private readonly Task _serving;

        internal Handout(int descriptor, byte[] nonce)
        {
            _descriptor = descriptor;
            _nonce = nonce;
            SocketName = $"collectives-sharp/segment/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
            try
            {
                _listener.Bind(new UnixDomainSocketEndPoint("\0" + SocketName));
                _listener.Listen(256);
            }
            catch (SocketException e)
            {
                _listener.Dispose();
                throw new IOException($"A local socket for the node's shared memory can't be made: {e.Message}", e);
            }

            _serving = ServeAsync();
        }

        internal string SocketName { get; }

        public async ValueTask DisposeAsync()
        {
            await _closing.CancelAsync().ConfigureAwait(false);
            await _serving.ConfigureAwait(false);
            _listener.Dispose();
            _closing.Dispose();
            _ = PosixNative.close(_descriptor);
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                try
                {
                    using Socket peer = await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
                    PeerCredentials.DemandSameUser(peer);
                    PosixNative.SendDescriptor((int)peer.Handle, _descriptor, _nonce);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
                catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
                {
                    // A stranger, or a peer that went away: the vote tells who has no segment.
                }
            }
        }
    }
}
