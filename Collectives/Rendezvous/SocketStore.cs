using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using static CollectivesSharp.StoreWire;

namespace CollectivesSharp;

/// <summary>The store of another rank, over TCP or a Unix socket. Made by <see cref="ConnectAsync"/>; one connection carries all calls.</summary>
public sealed class SocketStore : IStore
{
    // A wait ends at the server at its deadline; only a server that does not answer at all is given up here, this much later.
    private static readonly TimeSpan s_answerGrace = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly string _address;
    private readonly StoreLimits _limits;
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<byte[]>> _pending = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Task _reading;
    private uint _lastId;
    private volatile StoreException? _broken;

    private SocketStore(Socket socket, NetworkStream stream, EndPoint endPoint, StoreLimits limits)
    {
        _limits = limits;
        _socket = socket;
        _stream = stream;
        _address = StoreServer.Describe(endPoint);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>
    /// Tries until the server is there (ranks start in any order) and speaks for the same <paramref name="instance"/>. Throws
    /// <see cref="StoreException"/> for a wrong secret at once, and <see cref="TimeoutException"/> with the last error at the deadline.
    /// <paramref name="limits"/>: the server's; a request beyond them is refused here, since there it would end the connection.
    /// </summary>
    public static async Task<SocketStore> ConnectAsync(EndPoint endPoint, string? secret = null, string instance = "", TimeSpan? timeout = null, StoreLimits? limits = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        TimeSpan limit = timeout ?? TimeSpan.FromSeconds(60);
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        string last = "nobody listens there";
        for (int pause = 5; ; pause = Math.Min(pause * 2, 200))
        {
            Socket socket = StoreServer.NewSocket(endPoint);
            try
            {
                await socket.ConnectAsync(endPoint, deadline.Token).ConfigureAwait(false);
                if (socket.AddressFamily == AddressFamily.Unix)
                    PeerCredentials.DemandSameUser(socket);
                NetworkStream stream = new(socket);
                StoreHandshake.Verdict verdict = await StoreHandshake.ConnectAsync(stream, secret, instance, deadline.Token).ConfigureAwait(false);
                switch (verdict)
                {
                    case StoreHandshake.Verdict.Accepted:
                        return new SocketStore(socket, stream, endPoint, limits ?? StoreLimits.Default);
                    case StoreHandshake.Verdict.WrongSecret:
                        throw new StoreException($"The store at {StoreServer.Describe(endPoint)} was made with another secret: COLLECTIVES_SECRET must be the same on every rank.");
                    default:
                        last = verdict == StoreHandshake.Verdict.OtherInstance ? "it serves another job, or the previous group of this one" : "it takes no more connections";
                        break;
                }
            }
            catch (Exception e) when (e is SocketException or IOException and not StoreException or FormatException or UnauthorizedAccessException)
            {
                last = e is SocketException { SocketErrorCode: SocketError.ConnectionRefused } ? "nobody listens there" : e.Message;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                socket.Dispose();
                throw Timeout();
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            socket.Dispose();
            try
            {
                await Task.Delay(pause, deadline.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw Timeout();
            }
        }

        TimeoutException Timeout() => new($"The store of rank 0 at {StoreServer.Describe(endPoint)} was not reached within {limit.TotalSeconds:0.###} s: {last}. Is rank 0 running, and is that its address?");
    }

    public async ValueTask SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        await CallAsync(id => new Writer(id, (byte)Operation.Set).Text(key).Bytes(value.Span), TimeSpan.Zero, cancellationToken).ConfigureAwait(false);

    public async ValueTask<byte[]> GetAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        Value(await CallAsync(id => new Writer(id, (byte)Operation.Get).Text(key).Int64(Milliseconds(timeout)), timeout, cancellationToken).ConfigureAwait(false))!;

    public async ValueTask<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken = default) =>
        Value(await CallAsync(id => new Writer(id, (byte)Operation.TryGet).Text(key), TimeSpan.Zero, cancellationToken).ConfigureAwait(false));

    public async ValueTask WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        await CallAsync(
            id => keys.Aggregate(new Writer(id, (byte)Operation.Wait).Int64(Milliseconds(timeout)).UInt32((uint)keys.Count), (frame, key) => frame.Text(key)),
            timeout,
            cancellationToken).ConfigureAwait(false);

    public async ValueTask<long> AddAsync(string key, long delta, CancellationToken cancellationToken = default) =>
        BinaryPrimitives.ReadInt64LittleEndian((await CallAsync(id => new Writer(id, (byte)Operation.Add).Text(key).Int64(delta), TimeSpan.Zero, cancellationToken).ConfigureAwait(false)).AsSpan(1));

    public async ValueTask<byte[]?> CompareSetAsync(string key, byte[]? expected, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        Value(await CallAsync(
            id => new Writer(id, (byte)Operation.CompareSet).Text(key).Byte(expected is null ? (byte)0 : (byte)1).Bytes(expected).Bytes(value.Span),
            TimeSpan.Zero,
            cancellationToken).ConfigureAwait(false));

    public async ValueTask<bool> DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        (await CallAsync(id => new Writer(id, (byte)Operation.Delete).Text(key), TimeSpan.Zero, cancellationToken).ConfigureAwait(false))[1] != 0;

    public async ValueTask DisposeAsync()
    {
        _broken ??= new StoreException($"The connection to the store at {_address} was closed by this rank.");
        try
        {
            // Closing under the pending read would reset the connection, which looks like a crash to the server.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The server was first, or this is the second call.
        }

        await _reading.ConfigureAwait(false);
        _socket.Dispose();
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    private static long Milliseconds(TimeSpan timeout) => timeout >= TimeSpan.Zero && timeout.TotalMilliseconds <= int.MaxValue
        ? (long)timeout.TotalMilliseconds
        : throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A store waits for a bounded time.");

    private static byte[]? Value(byte[] reply)
    {
        if ((Status)reply[0] == Status.Absent)
            return null;
        return new Reader(reply.AsSpan(1)).Bytes().ToArray();
    }

    /// <summary>The reply from its status byte on.</summary>
    private async Task<byte[]> CallAsync(Func<uint, Writer> request, TimeSpan serverWait, CancellationToken cancellationToken)
    {
        uint id = Interlocked.Increment(ref _lastId);
        byte[] frame = request(id).Finish();
        if (frame.Length - HeaderBytes > _limits.MaxFrameBytes)
            throw new StoreException($"A request of {frame.Length - HeaderBytes} bytes; the store takes {_limits.MaxFrameBytes} (values of {_limits.MaxValueBytes}).");
        TaskCompletionSource<byte[]> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = source;
        try
        {
            if (_broken is { } broken)
                throw broken;
            await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                // Not cancelled half-way: a torn frame would end the connection for everybody.
                await _stream.WriteAsync(frame, CancellationToken.None).ConfigureAwait(false);
            }
            finally
            {
                _writing.Release();
            }

            byte[] reply = await source.Task.WaitAsync(serverWait + s_answerGrace, cancellationToken).ConfigureAwait(false);
            return (Status)reply[0] switch
            {
                Status.TimedOut => throw new TimeoutException(new Reader(reply.AsSpan(1)).Text()),
                Status.Refused => throw new StoreException(new Reader(reply.AsSpan(1)).Text()),
                _ => reply,
            };
        }
        catch (Exception e) when (e is IOException and not StoreException or ObjectDisposedException)
        {
            throw _broken ?? Lost(e);
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    private StoreException Lost(Exception inner) => new($"The connection to the store at {_address} is lost: rank 0, which serves it, has ended or closed it.", inner);

    private async Task ReadAsync()
    {
        byte[] header = new byte[HeaderBytes + 4];
        try
        {
            while (true)
            {
                await _stream.ReadExactlyAsync(header).ConfigureAwait(false);
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(header);
                uint id = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(HeaderBytes));
                if (length is < 5 or > int.MaxValue)
                    throw new IOException($"a reply of {length} bytes");
                byte[] reply = new byte[length - 4];
                await _stream.ReadExactlyAsync(reply).ConfigureAwait(false);
                if (_pending.TryRemove(id, out TaskCompletionSource<byte[]>? source))
                    source.TrySetResult(reply);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            _broken ??= Lost(e);
            foreach (TaskCompletionSource<byte[]> source in _pending.Values)
                source.TrySetException(_broken);
        }
    }
}
