using System.Net.Sockets;
using System.Security.Cryptography;
using CollectivesSharp.Interop;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp;

/// <summary>Gives one descriptor, and a nonce with it, to every process of this user that asks at a local socket, until disposed. The socket has no file.</summary>
internal sealed class DescriptorHandout : IAsyncDisposable
{
    private const int NonceBytes = 16;
    private const int RetryMilliseconds = 10;

    private readonly SafeFileHandle _descriptor;
    private readonly byte[] _nonce = RandomNumberGenerator.GetBytes(NonceBytes);
    private readonly Socket _listener;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _serving;

    /// <param name="descriptor">Stays open for the handout when its owner disposes it.</param>
    /// <param name="purpose">A part of the socket's name: "segment".</param>
    internal DescriptorHandout(SafeFileHandle descriptor, string purpose)
    {
        _descriptor = descriptor;
        SocketName = $"collectives-sharp/{purpose}/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
        Socket? listener = null;
        try
        {
            listener = _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _listener.Bind(new UnixDomainSocketEndPoint("\0" + SocketName));
            _listener.Listen(256);
        }
        catch (SocketException e)
        {
            listener?.Dispose();
            throw new IOException($"A local socket that hands out a descriptor can't be made: {e.Message}", e);
        }

        bool held = false;
        descriptor.DangerousAddRef(ref held);
        _serving = Task.Run(ServeAsync);
    }

    internal string SocketName { get; }

    /// <summary>What a receiver compares; told by another way than the socket.</summary>
    internal string Nonce => Convert.ToHexStringLower(_nonce);

    /// <summary>
    /// The other end; the caller owns the descriptor. Throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/> for another user's process, <see cref="OperationCanceledException"/>.
    /// </summary>
    internal static async Task<int> ReceiveAsync(string socketName, string expectedNonce, CancellationToken cancellationToken)
    {
        byte[] nonce = new byte[NonceBytes];
        int descriptor;
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint("\0" + socketName), cancellationToken).ConfigureAwait(false);
            PeerCredentials.DemandSameUser(socket);
            await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
            if (PosixNative.ReceiveDescriptor((int)socket.Handle, out descriptor, nonce) != NonceBytes || descriptor < 0)
                throw new IOException($"no descriptor came over the local socket: {PosixNative.Describe(PosixNative.Errno)}");
        }
        catch (SocketException e)
        {
            throw new IOException($"the local socket that hands out a descriptor does not answer: {e.Message}. Ranks with one COLLECTIVES_HOST_ID must see one network namespace.", e);
        }

        if (Convert.ToHexStringLower(nonce) == expectedNonce)
            return descriptor;
        _ = PosixNative.close(descriptor);
        throw new IOException("a descriptor came with another nonce than was announced");
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _serving.ConfigureAwait(false);
        _listener.Dispose();
        _closing.Dispose();
        _descriptor.DangerousRelease();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using Socket peer = await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
                PeerCredentials.DemandSameUser(peer);
                PosixNative.SendDescriptor((int)peer.Handle, (int)_descriptor.DangerousGetHandle(), _nonce);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
            {
                // A stranger, or a peer that went away: whoever lacks its descriptor says so. Or this process has no descriptor left for it: then it would fail again at once.
                await Task.Delay(RetryMilliseconds).ConfigureAwait(false);
            }
        }
    }
}
