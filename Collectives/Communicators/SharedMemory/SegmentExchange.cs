using System.Text.Json;
using CollectivesSharp.Interop;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp;

/// <summary>Where the creator hands out its segment, or why there is none.</summary>
internal sealed record SegmentOffer(string? Socket, string? Nonce, string? Error);

/// <summary>
/// Brings one <see cref="SharedSegment"/> to all ranks of a node: the first one creates it and hands its descriptor over a local socket to processes of
/// the same user. Who has received it and read the creator's nonce in it shares memory with the creator; names of hosts prove nothing.
/// </summary>
internal static class SegmentExchange
{
    /// <summary>The creator's half. Dispose the handout when all members have voted.</summary>
    internal static async Task<(SharedSegment Segment, IAsyncDisposable Handout)> OfferAsync(IStore store, string key, SegmentLayout layout, long generation, CancellationToken cancellationToken)
    {
        SharedSegment? segment = null;
        DescriptorHandout? handout = null;
        try
        {
            using SafeFileHandle descriptor = new(SharedSegment.Create(layout.TotalBytes), ownsHandle: true);
            segment = SharedSegment.Map((int)descriptor.DangerousGetHandle(), layout.TotalBytes, populate: true);
            WriteHeader(segment, layout, generation);
            handout = new DescriptorHandout(descriptor, "segment");
            await PublishAsync(new SegmentOffer(handout.SocketName, handout.Nonce, null)).ConfigureAwait(false);
            return (segment, handout);
        }
        catch (Exception e)
        {
            if (handout is not null)
                await handout.DisposeAsync().ConfigureAwait(false);
            segment?.Dispose();
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

        int descriptor;
        try
        {
            descriptor = await DescriptorHandout.ReceiveAsync(offer.Socket!, offer.Nonce!, deadline.Token).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new IOException($"The node's first rank does not hand out its shared memory: {e.Message}", e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The node's first rank did not hand out its shared memory within {timeout.TotalSeconds:0.###} s.");
        }

        try
        {
            SharedSegment segment = SharedSegment.Map(descriptor, layout.TotalBytes, populate: true);
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
}
