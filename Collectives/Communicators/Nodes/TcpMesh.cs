using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>Where a rank can be connected to, most likely address first.</summary>
internal sealed record MeshOffer(string[] Addresses, int Port);

/// <summary>
/// One TCP connection for each pair of ranks on different nodes; the higher rank connects to the lower. Both sides prove that they know a token that only readers of the
/// group's store have, so nobody else gets in, and whoever tries is dropped and logged.
/// </summary>
internal static class TcpMesh
{
    private const byte Welcome = 0x57;
    private static readonly TimeSpan s_handshakeLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_addressLimit = TimeSpan.FromSeconds(3);

    /// <summary>By rank in the group; null for ranks of the own node. Throws <see cref="IOException"/> or <see cref="TimeoutException"/> that names the rank that could not be reached.</summary>
    internal static async Task<Socket?[]> ConnectAsync(IStore store, string prefix, GroupMember[] members, int rank, GroupOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        string keys = $"{prefix}/mesh";
        string instance = $"{prefix}/mesh/";
        Socket?[] sockets = new Socket?[members.Length];
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Timeout);
        int[] higher = [.. Remote(members, rank).Where(peer => peer > rank)];
        Socket? listener = null;
        try
        {
            if (higher.Length > 0)
            {
                listener = Listen(members);
                MeshOffer offer = new(LocalAddresses.Find(members.All(member => member.NetworkId == members[0].NetworkId)), ((IPEndPoint)listener.LocalEndPoint!).Port);
                await store.SetAsync($"{keys}/offer/{rank}", JsonSerializer.SerializeToUtf8Bytes(offer, GroupJson.Default.MeshOffer), cancellationToken).ConfigureAwait(false);
            }

            if (rank == 0)
                await store.SetAsync($"{keys}/token", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))), cancellationToken).ConfigureAwait(false);
            string token = Encoding.ASCII.GetString(await store.GetAsync($"{keys}/token", options.Timeout, cancellationToken).ConfigureAwait(false));
            List<Task> connecting = [.. Remote(members, rank).Where(peer => peer < rank).Select(ConnectOneAsync)];
            if (listener is not null)
                connecting.Add(AcceptAllAsync(listener, token));
            await Task.WhenAll(connecting).ConfigureAwait(false);
            foreach (Socket? socket in sockets)
                SetUp(socket, options.Timeout);
            return sockets;

            async Task ConnectOneAsync(int peer)
            {
                byte[] text = await store.GetAsync($"{keys}/offer/{peer}", options.Timeout, cancellationToken).ConfigureAwait(false);
                MeshOffer offer = JsonSerializer.Deserialize(text, GroupJson.Default.MeshOffer) ?? throw new IOException($"{members[peer]} says nowhere to connect to");
                sockets[peer] = await ReachAsync(offer, members[peer], token, instance + peer, rank, options.Timeout, cancellationToken, deadline.Token).ConfigureAwait(false);
            }
        }
        catch
        {
            foreach (Socket? socket in sockets)
                socket?.Dispose();
            throw;
        }
        finally
        {
            listener?.Dispose();
        }

        async Task AcceptAllAsync(Socket listening, string token)
        {
            string? trouble = null;
            using SemaphoreSlim arrived = new(0);
            using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
            List<Task> greetings = [];
            Task accepting = Task.Run(async () =>
            {
                while (true)
                {
                    try
                    {
                        Socket socket = await listening.AcceptAsync(done.Token).ConfigureAwait(false);
                        lock (greetings)
                            greetings.Add(GreetAsync(socket));
                    }
                    catch (SocketException e)
                    {
                        // Out of descriptors, or a client that went away before it was accepted.
                        trouble = e.Message;
                        await Task.Delay(20, done.Token).ConfigureAwait(false);
                    }
                }
            }, CancellationToken.None);
            try
            {
                for (int left = higher.Length; left > 0; left--)
                    await arrived.WaitAsync(deadline.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                string missing = string.Join(", ", higher.Where(peer => sockets[peer] is null).Select(peer => members[peer].ToString()));
                throw new TimeoutException($"{missing} did not connect to {members[rank]} within {options.Timeout.TotalSeconds:0.###} s{(trouble is null ? "" : $"; this rank's last trouble with accepting: {trouble}")}");
            }
            finally
            {
                await done.CancelAsync().ConfigureAwait(false);
                await ((Task)accepting.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)).ConfigureAwait(false);
                Task[] all;
                lock (greetings)
                    all = [.. greetings];
                await Task.WhenAll(all).ConfigureAwait(false);
            }

            async Task GreetAsync(Socket socket)
            {
                string who = StoreServer.Describe(socket.RemoteEndPoint ?? listening.LocalEndPoint!);
                try
                {
                    using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(done.Token);
                    limit.CancelAfter(s_handshakeLimit);
                    await using NetworkStream stream = new(socket);
                    StoreHandshake.Verdict verdict = await StoreHandshake.AcceptAsync(stream, token, instance + rank, full: false, limit.Token).ConfigureAwait(false);
                    if (verdict != StoreHandshake.Verdict.Accepted)
                        throw new UnauthorizedAccessException($"{verdict}");
                    byte[] hello = new byte[sizeof(int)];
                    await stream.ReadExactlyAsync(hello, limit.Token).ConfigureAwait(false);
                    int peer = BinaryPrimitives.ReadInt32LittleEndian(hello);
                    if (!higher.Contains(peer))
                        throw new FormatException($"it says that it is rank {peer} of the group, which does not connect to this one");
                    await stream.WriteAsync(new[] { Welcome }, limit.Token).ConfigureAwait(false);
                    lock (sockets)
                    {
                        // One that gave up waiting for the welcome comes again: the last connection counts.
                        if (sockets[peer] is { } earlier)
                            earlier.Dispose();
                        else
                            arrived.Release();
                        sockets[peer] = socket;
                    }
                }
                catch (Exception e) when (e is IOException or SocketException or FormatException or UnauthorizedAccessException or OperationCanceledException)
                {
                    socket.Dispose();
                    if (!done.IsCancellationRequested)
                        logger.LogWarning("Group {Name}: a connection of {Client} was refused: {Error}", options.Name, who, e is OperationCanceledException ? "it did not prove who it is in time" : e.Message);
                }
            }
        }
    }

    private static IEnumerable<int> Remote(GroupMember[] members, int rank) => Enumerable.Range(0, members.Length).Where(peer => members[peer].NodeId != members[rank].NodeId);

    /// <summary>On loopback alone when all ranks are there; the port is the system's choice, bound and held.</summary>
    private static Socket Listen(GroupMember[] members)
    {
        bool loopback = members.All(member => member.NetworkId == members[0].NetworkId);
        IPEndPoint address = new(loopback ? IPAddress.Loopback : Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        Socket listener = StoreServer.NewSocket(address);
        try
        {
            listener.Bind(address);
            listener.Listen(1024);
            return listener;
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new IOException($"this rank can't listen for the others at {address}: {e.Message}", e);
        }
    }

    /// <summary>Tries the peer's addresses in turn until one answers as that peer.</summary>
    private static async Task<Socket> ReachAsync(MeshOffer offer, GroupMember member, string token, string instance, int rank, TimeSpan timeout, CancellationToken cancellationToken, CancellationToken deadline)
    {
        string last = "no address";
        for (int turn = 0; ; turn++)
        {
            IPEndPoint address = new(IPAddress.Parse(offer.Addresses[turn % offer.Addresses.Length]), offer.Port);
            Socket socket = StoreServer.NewSocket(address);
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(deadline);
            limit.CancelAfter(s_addressLimit);
            try
            {
                await socket.ConnectAsync(address, limit.Token).ConfigureAwait(false);
                await using NetworkStream stream = new(socket);
                StoreHandshake.Verdict verdict = await StoreHandshake.ConnectAsync(stream, token, instance, limit.Token).ConfigureAwait(false);
                if (verdict == StoreHandshake.Verdict.Accepted)
                {
                    byte[] hello = new byte[sizeof(int)];
                    BinaryPrimitives.WriteInt32LittleEndian(hello, rank);
                    await stream.WriteAsync(hello, limit.Token).ConfigureAwait(false);
                    await stream.ReadExactlyAsync(hello.AsMemory(0, 1), limit.Token).ConfigureAwait(false);
                    if (hello[0] == Welcome)
                        return socket;
                }

                last = $"{address}: somebody else answers there";
            }
            catch (Exception e) when (e is SocketException or IOException or FormatException or OperationCanceledException)
            {
                last = $"{address}: {(e is OperationCanceledException ? "no answer" : e.Message)}";
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"{member} could not be reached within {timeout.TotalSeconds:0.###} s; last tried {last}. COLLECTIVES_SOCKET_IFNAME chooses the interfaces that ranks offer");
            if (turn % offer.Addresses.Length == offer.Addresses.Length - 1)
                await Task.Delay(20, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>How long a machine may not be heard of before it counts as lost: half of the group's timeout, at most 30 s.</summary>
    internal static TimeSpan Patience(TimeSpan timeout) => TimeSpan.FromSeconds(Math.Clamp(timeout.TotalSeconds / 2, 2, 30));

    /// <summary>Where nothing is under way the kernel's probes find a cut cable; where something is, <see cref="PeerChannel.UnconfirmedFor"/> tells.</summary>
    private static void SetUp(Socket? socket, TimeSpan timeout)
    {
        if (socket is null)
            return;
        int seconds = (int)Patience(timeout).TotalSeconds;
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, Math.Max(1, seconds / 2));
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Math.Max(1, seconds / 6));
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
    }
}
