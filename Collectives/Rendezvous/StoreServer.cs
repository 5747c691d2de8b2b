using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using static CollectivesSharp.StoreWire;

namespace CollectivesSharp;

/// <summary>
/// Serves an <see cref="InProcessStore"/> to <see cref="SocketStore"/> clients, over TCP or a Unix socket. A client that sends anything malformed, too
/// large or too slowly is dropped and logged; the others go on. On a Unix socket only processes of the same user are let in.
/// </summary>
public sealed class StoreServer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly string? _secret;
    private readonly string _instance;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _connections = [];
    private readonly Task _accepting;
    private TaskCompletionSource _idle = Completed();

    private StoreServer(Socket listener, InProcessStore store, string? secret, string instance, ILogger? logger)
    {
        _listener = listener;
        Store = store;
        _secret = secret;
        _instance = instance;
        _logger = logger ?? NullLogger.Instance;
        _accepting = AcceptAsync();
    }

    public InProcessStore Store { get; }

    /// <summary>Where it listens, with the port that was bound.</summary>
    public EndPoint EndPoint => _listener.LocalEndPoint!;

    /// <summary>
    /// Binds at once and holds the port (0: one that the system picks). <paramref name="instance"/> names the job: a client of another one is refused.
    /// Throws <see cref="StoreException"/> if the address is taken.
    /// </summary>
    public static StoreServer Start(EndPoint endPoint, InProcessStore store, string? secret = null, string instance = "", ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(store);
        Socket listener = NewSocket(endPoint);
        try
        {
            listener.Bind(endPoint);
            listener.Listen(1024);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new StoreException($"Rank 0 can't serve the store at {Describe(endPoint)}: {e.Message}. If another job uses it, give this one its own COLLECTIVES_MASTER_PORT (or COLLECTIVES_JOB_ID).", e);
        }

        return new StoreServer(listener, store, secret, instance, logger);
    }

    /// <summary>Completes when no client is connected any more. A server that closes earlier takes the store away from them.</summary>
    public Task WaitForClientsToLeaveAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        lock (_lock)
            return _idle.Task.WaitAsync(timeout, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        Task[] connections;
        lock (_lock)
            connections = [.. _connections];
        await Task.WhenAll(connections).ConfigureAwait(false);
    }

    /// <summary>A name may stand for addresses of both families, and the address "any" for those of both: one socket for both, unless the machine has only one.</summary>
    internal static Socket NewSocket(EndPoint endPoint)
    {
        if (endPoint is UnixDomainSocketEndPoint)
            return new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        AddressFamily family = endPoint.AddressFamily != AddressFamily.Unspecified ? endPoint.AddressFamily
            : Socket.OSSupportsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        Socket socket = new(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (family == AddressFamily.InterNetworkV6)
            socket.DualMode = true;
        return socket;
    }

    internal static string Describe(EndPoint endPoint) =>
        endPoint is UnixDomainSocketEndPoint ? $"local socket {endPoint.ToString()!.Replace('\0', '@')}" : endPoint.ToString()!;

    private static TaskCompletionSource Completed()
    {
        TaskCompletionSource source = new();
        source.SetResult();
        return source;
    }

    private async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors, or the client went away before it was accepted.
                _logger.LogWarning("Store: a connection could not be accepted: {Error}", e.Message);
                await Task.Delay(50).ConfigureAwait(false);
                continue;
            }

            lock (_lock)
            {
                bool full = _connections.Count >= Store.Limits.MaxConnections;
                if (_connections.Count == 0)
                    _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                Task connection = Task.Run(() => ServeAsync(socket, full));
                _connections.Add(connection);
                _ = connection.ContinueWith(Left, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }

        void Left(Task connection)
        {
            lock (_lock)
            {
                _connections.Remove(connection);
                if (_connections.Count == 0)
                    _idle.TrySetResult();
            }
        }
    }

    private async Task ServeAsync(Socket socket, bool full)
    {
        string client = "a client";
        using (socket)
        using (CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token))
        {
            try
            {
                client = Describe(socket.RemoteEndPoint ?? EndPoint);
                if (socket.AddressFamily == AddressFamily.Unix)
                    PeerCredentials.DemandSameUser(socket);
                await using NetworkStream stream = new(socket);
                StoreHandshake.Verdict verdict = await WithinFrameTimeout(token => StoreHandshake.AcceptAsync(stream, _secret, _instance, full, token), leaving.Token).ConfigureAwait(false);
                if (verdict != StoreHandshake.Verdict.Accepted)
                {
                    _logger.LogWarning("Store: {Client} was refused: {Verdict}", client, verdict);
                    return;
                }

                using SemaphoreSlim writing = new(1);
                await ServeFramesAsync(stream, writing, leaving).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // This store closes, or the client was told off already.
            }
            catch (Exception e) when (e is FormatException or UnauthorizedAccessException or IOException or SocketException)
            {
                _logger.LogWarning("Store: {Client} was dropped: {Error}", client, e is EndOfStreamException ? "it closed the connection inside the handshake or a frame" : e.Message);
            }
            finally
            {
                await leaving.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task ServeFramesAsync(NetworkStream stream, SemaphoreSlim writing, CancellationTokenSource leaving)
    {
        byte[] header = new byte[HeaderBytes];
        List<Task> pending = [];
        try
        {
            while (true)
            {
                if (await stream.ReadAsync(header.AsMemory(0, 1), leaving.Token).ConfigureAwait(false) == 0)
                    return;
                byte[] frame = await WithinFrameTimeout(token => ReadRestAsync(stream, header, token), leaving.Token).ConfigureAwait(false);
                pending.RemoveAll(task => task.IsCompleted);
                pending.Add(AnswerAsync(frame, stream, writing, leaving));
            }
        }
        finally
        {
            await leaving.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(pending).ConfigureAwait(false);
        }
    }

    private async Task<byte[]> ReadRestAsync(NetworkStream stream, byte[] header, CancellationToken cancellationToken)
    {
        await stream.ReadExactlyAsync(header.AsMemory(1), cancellationToken).ConfigureAwait(false);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (length < 5 || length > Store.Limits.MaxFrameBytes)
            throw new FormatException($"a frame of {length} bytes; 5 to {Store.Limits.MaxFrameBytes} are taken");
        byte[] frame = new byte[length];
        await stream.ReadExactlyAsync(frame, cancellationToken).ConfigureAwait(false);
        return frame;
    }

    private async Task<T> WithinFrameTimeout<T>(Func<CancellationToken, Task<T>> action, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Store.Limits.FrameTimeout);
        try
        {
            return await action(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"it did not finish the handshake or a frame within {Store.Limits.FrameTimeout.TotalSeconds:0.###} s");
        }
    }

    private async Task AnswerAsync(byte[] frame, NetworkStream stream, SemaphoreSlim writing, CancellationTokenSource leaving)
    {
        try
        {
            byte[] reply = await StoreRequests.ExecuteAsync(Store, frame, leaving.Token).ConfigureAwait(false);
            await writing.WaitAsync(leaving.Token).ConfigureAwait(false);
            try
            {
                await stream.WriteAsync(reply, leaving.Token).ConfigureAwait(false);
            }
            finally
            {
                writing.Release();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The client has gone; its reading loop says so.
        }
        catch (FormatException e)
        {
            _logger.LogWarning("Store: a client sent a malformed request and is dropped: {Error}", e.Message);
            await leaving.CancelAsync().ConfigureAwait(false);
        }
    }
}
