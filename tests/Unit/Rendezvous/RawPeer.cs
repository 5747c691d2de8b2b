using System.Net;
using System.Net.Sockets;

namespace CollectivesSharp.Unit.Rendezvous;

/// <summary>Somebody at the store's port who keeps no rules.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Socket _socket;

    private RawPeer(Socket socket)
    {
        _socket = socket;
        Stream = new NetworkStream(socket, ownsSocket: true);
    }

    internal NetworkStream Stream { get; }

    internal static async Task<RawPeer> ConnectAsync(EndPoint endPoint)
    {
        Socket socket = StoreServer.NewSocket(endPoint);
        await socket.ConnectAsync(endPoint).WaitAsync(s_patience);
        return new RawPeer(socket);
    }

    /// <summary>One that has passed the handshake.</summary>
    internal static async Task<RawPeer> LetInAsync(EndPoint endPoint, string? secret, string instance)
    {
        RawPeer peer = await ConnectAsync(endPoint);
        StoreHandshake.Verdict verdict = await peer.ShakeHandsAsync(secret, instance);
        return verdict == StoreHandshake.Verdict.Accepted ? peer : throw new InvalidOperationException(verdict.ToString());
    }

    internal Task<StoreHandshake.Verdict> ShakeHandsAsync(string? secret, string instance) => StoreHandshake.ConnectAsync(Stream, secret, instance, CancellationToken.None).WaitAsync(s_patience);

    internal async Task SendAsync(params byte[] bytes) => await Stream.WriteAsync(bytes).AsTask().WaitAsync(s_patience);

    /// <summary>No more will come from this side.</summary>
    internal void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Returns when the other side has closed the connection; what it sent before is read and dropped.</summary>
    internal async Task WaitUntilDroppedAsync()
    {
        byte[] ignored = new byte[4096];
        try
        {
            while (await Stream.ReadAsync(ignored).AsTask().WaitAsync(s_patience) > 0)
            {
            }
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // Closed with bytes of ours unread.
        }
    }

    public async ValueTask DisposeAsync() => await Stream.DisposeAsync();
}
