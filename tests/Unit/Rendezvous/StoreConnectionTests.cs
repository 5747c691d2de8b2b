using System.Net;
using System.Net.Sockets;
using Xunit;

namespace CollectivesSharp.Unit.Rendezvous;

public sealed class StoreConnectionTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly IPEndPoint s_anyPort = new(IPAddress.Loopback, 0);

    [Fact]
    public async Task A_store_that_goes_away_ends_calls_in_flight_and_later_ones()
    {
        StoreServer server = StoreServer.Start(s_anyPort, new InProcessStore());
        await using SocketStore client = await SocketStore.ConnectAsync(server.EndPoint, timeout: s_patience);
        Task get = client.GetAsync("never", s_patience).AsTask();
        Task wait = client.WaitAsync(["never"], s_patience).AsTask();

        // Answered on the same connection: the two before it are at the server.
        await client.SetAsync("key", default);
        await server.DisposeAsync();
        foreach (Task call in new[] { get, wait, client.SetAsync("key", default).AsTask(), client.TryGetAsync("key").AsTask() })
        {
            StoreException lost = await Assert.ThrowsAsync<StoreException>(() => call.WaitAsync(s_patience / 2));
            Assert.Contains("rank 0, which serves it, has ended or closed it", lost.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_store_that_this_rank_closed_says_so()
    {
        await using StoreServer server = StoreServer.Start(s_anyPort, new InProcessStore());
        SocketStore client = await SocketStore.ConnectAsync(server.EndPoint, timeout: s_patience);
        Task get = client.GetAsync("never", s_patience).AsTask();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<StoreException>(() => get.WaitAsync(s_patience / 2));
        Assert.Contains("closed by this rank", (await Assert.ThrowsAsync<StoreException>(async () => await client.TryGetAsync("key"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_an_error_that_says_what_to_do()
    {
        await using StoreServer first = StoreServer.Start(s_anyPort, new InProcessStore());
        StoreException taken = Assert.Throws<StoreException>(() => StoreServer.Start(first.EndPoint, new InProcessStore()));
        Assert.Contains(first.EndPoint.ToString()!, taken.Message, StringComparison.Ordinal);
        Assert.Contains("COLLECTIVES_MASTER_PORT", taken.Message, StringComparison.Ordinal);
        Assert.Contains("COLLECTIVES_JOB_ID", taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_may_come_before_the_server()
    {
        UnixDomainSocketEndPoint address = MeetingPoint.LocalSocket($"{Guid.NewGuid()}");
        Task<SocketStore> connecting = SocketStore.ConnectAsync(address, timeout: s_patience);
        await using StoreServer server = StoreServer.Start(address, new InProcessStore());
        await (await connecting).DisposeAsync();
    }

    [Fact]
    public async Task Nobody_there_is_an_error_with_the_address_at_the_deadline()
    {
        UnixDomainSocketEndPoint address = MeetingPoint.LocalSocket($"{Guid.NewGuid()}");
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(() => SocketStore.ConnectAsync(address, timeout: TimeSpan.FromMilliseconds(100)));
        Assert.Contains("@collectives-sharp/store/", late.Message, StringComparison.Ordinal);
        Assert.Contains("nobody listens there", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_service_at_the_address_is_told_apart()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        Task greeting = Task.Run(async () =>
        {
            while (true)
            {
                using Socket client = await other.AcceptSocketAsync();
                await client.SendAsync(new byte[100]);
            }
        });
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(() => SocketStore.ConnectAsync(other.LocalEndpoint, timeout: TimeSpan.FromSeconds(1.5)));
        Assert.Contains("no store of this SDK", late.Message, StringComparison.Ordinal);
        other.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => greeting.WaitAsync(s_patience));
    }

    [Fact]
    public async Task A_host_name_stands_for_addresses_of_either_family()
    {
        await using StoreServer server = StoreServer.Start(s_anyPort, new InProcessStore());
        await using SocketStore client = await SocketStore.ConnectAsync(new DnsEndPoint("localhost", ((IPEndPoint)server.EndPoint).Port), timeout: s_patience);
        await client.SetAsync("key", default);
    }

    [Fact]
    public async Task A_server_at_any_address_is_reached_by_either_family()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        await using StoreServer server = StoreServer.Start(new IPEndPoint(IPAddress.IPv6Any, 0), new InProcessStore());
        int port = ((IPEndPoint)server.EndPoint).Port;
        await (await SocketStore.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), timeout: s_patience)).DisposeAsync();
        await (await SocketStore.ConnectAsync(new IPEndPoint(IPAddress.IPv6Loopback, port), timeout: s_patience)).DisposeAsync();
    }

    [Fact]
    public async Task A_client_of_the_next_group_waits_until_the_previous_ones_server_is_gone()
    {
        UnixDomainSocketEndPoint address = MeetingPoint.LocalSocket($"{Guid.NewGuid()}");
        LogCapture log = new();
        StoreServer previous = StoreServer.Start(address, new InProcessStore(), instance: "job#1", logger: log);
        Task<SocketStore> connecting = SocketStore.ConnectAsync(address, instance: "job#2", timeout: s_patience);
        Assert.Contains("OtherInstance", await log.NextAsync(s_patience), StringComparison.Ordinal);
        await previous.DisposeAsync();
        await using StoreServer next = StoreServer.Start(address, new InProcessStore(), instance: "job#2");
        await (await connecting).DisposeAsync();
    }

    [Fact]
    public async Task Connecting_can_be_cancelled()
    {
        using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SocketStore.ConnectAsync(MeetingPoint.LocalSocket($"{Guid.NewGuid()}"), timeout: s_patience, cancellationToken: cancel.Token));
    }

    [Fact]
    public async Task A_server_knows_when_its_last_client_has_left()
    {
        await using StoreServer server = StoreServer.Start(s_anyPort, new InProcessStore());
        await server.WaitForClientsToLeaveAsync(TimeSpan.Zero);
        SocketStore client = await SocketStore.ConnectAsync(server.EndPoint, timeout: s_patience);
        await Assert.ThrowsAsync<TimeoutException>(() => server.WaitForClientsToLeaveAsync(TimeSpan.FromMilliseconds(50)));
        await client.DisposeAsync();
        await server.WaitForClientsToLeaveAsync(s_patience);
    }
}
