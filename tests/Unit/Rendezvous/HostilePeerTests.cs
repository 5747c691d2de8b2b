using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Xunit;
using static CollectivesSharp.StoreWire;

namespace CollectivesSharp.Unit.Rendezvous;

/// <summary>Each is refused or dropped, and logged; clients that were there before and that come afterwards notice nothing.</summary>
public sealed class HostilePeerTests : IAsyncLifetime
{
    private const string Secret = "correct horse";
    private const string Job = "job 1";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly LogCapture _log = new();
    private StoreServer _server = null!;
    private SocketStore _before = null!;

    public async ValueTask InitializeAsync() => await StartAsync(StoreLimits.Default);

    public async ValueTask DisposeAsync()
    {
        await _before.DisposeAsync();
        await _server.DisposeAsync().AsTask().WaitAsync(s_patience);
    }

    [Theory]
    [InlineData("battery staple", Job, "WrongSecret")]
    [InlineData(null, Job, "WrongSecret")]
    [InlineData("", Job, "WrongSecret")]
    [InlineData(Secret, "job 2", "OtherInstance")]
    [InlineData("battery staple", "job 2", "WrongSecret")]
    public async Task Who_does_not_belong_is_refused(string? secret, string instance, string verdict)
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(_server.EndPoint);
        Assert.Equal(verdict, (await peer.ShakeHandsAsync(secret, instance)).ToString());
        await AssertDroppedAsync(peer, $"refused: {verdict}");
    }

    [Fact]
    public async Task A_server_that_does_not_know_the_secret_is_no_store()
    {
        await using StoreServer other = StoreServer.Start(new IPEndPoint(IPAddress.Loopback, 0), new InProcessStore(), "another", Job);
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => SocketStore.ConnectAsync(other.EndPoint, Secret, Job, s_patience));
        Assert.Contains("COLLECTIVES_SECRET", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handshake_that_breaks_off_is_dropped()
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(_server.EndPoint);
        await peer.SendAsync([.. "CSSTORE\u0001"u8, 1, 2, 3]);
        peer.EndSending();
        await AssertDroppedAsync(peer, "inside the handshake");
    }

    [Fact]
    public async Task What_is_no_store_client_is_dropped()
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(_server.EndPoint);
        await peer.SendAsync([.. "GET / HTTP/1.1\r\nHost: node1\r\n\r\n"u8, .. new byte[200]]);
        await AssertDroppedAsync(peer, "no store client's");
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0 }, "a frame of 0 bytes")]
    [InlineData(new byte[] { 4, 0, 0, 0 }, "a frame of 4 bytes")]
    [InlineData(new byte[] { 0, 0, 0, 0x80 }, "a frame of 2147483648 bytes")]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0x7F }, "a frame of 2147483647 bytes")]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF }, "a frame of 4294967295 bytes")]
    [InlineData(new byte[] { 0, 0, 0, 3 }, "a frame of 50331648 bytes")]
    public async Task A_frame_of_an_absurd_length_is_dropped_before_it_is_read(byte[] header, string logged)
    {
        await using RawPeer peer = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        await peer.SendAsync(header);
        await AssertDroppedAsync(peer, logged);
    }

    [Fact]
    public async Task A_frame_that_breaks_off_is_dropped()
    {
        await using RawPeer peer = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        await peer.SendAsync(100, 0, 0, 0, 1, 2, 3);
        peer.EndSending();
        await AssertDroppedAsync(peer, "inside the handshake or a frame");
    }

    [Fact]
    public async Task A_header_that_breaks_off_is_dropped()
    {
        await using RawPeer peer = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        await peer.SendAsync(100, 0);
        peer.EndSending();
        await AssertDroppedAsync(peer, "inside the handshake or a frame");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(255)]
    public async Task An_unknown_operation_is_dropped(byte operation) =>
        await AssertMalformedAsync(new Writer(1, operation).Text("key").Finish(), $"operation {operation} does not exist");

    [Fact]
    public async Task A_field_that_is_longer_than_its_frame_is_dropped() =>
        await AssertMalformedAsync(new Writer(1, (byte)Operation.Get).UInt32(uint.MaxValue).Finish(), "a field of 4294967295 bytes");

    [Fact]
    public async Task A_field_that_is_missing_is_dropped() =>
        await AssertMalformedAsync(new Writer(1, (byte)Operation.Add).Text("key").UInt32(1).Finish(), "4 bytes where 8 were expected");

    [Fact]
    public async Task Bytes_behind_the_last_field_are_dropped() =>
        await AssertMalformedAsync(new Writer(1, (byte)Operation.TryGet).Text("key").Byte(0).Finish(), "1 bytes behind the last field");

    [Fact]
    public async Task A_wait_for_more_keys_than_the_frame_holds_is_dropped() =>
        await AssertMalformedAsync(new Writer(1, (byte)Operation.Wait).Int64(1).UInt32(uint.MaxValue).Text("key").Finish(), "0 bytes where 4 were expected");

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public async Task A_wait_without_a_sane_bound_is_dropped(long milliseconds) =>
        await AssertMalformedAsync(new Writer(1, (byte)Operation.Get).Text("key").Int64(milliseconds).Finish(), $"a timeout of {milliseconds} ms");

    [Fact]
    public async Task Garbage_of_any_kind_is_dropped()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        for (int round = 0; round < 100; round++)
        {
            byte[] frame = new byte[random.Next(9, 200)];
            random.NextBytes(frame);
            BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - HeaderBytes);

            // An operation that does not exist: a random frame of one that does might be a valid request.
            frame[8] |= 0x80;
            await using RawPeer peer = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
            await peer.SendAsync(frame);
            await peer.WaitUntilDroppedAsync();
            Assert.True((await _log.NextAsync(s_patience)).Contains("does not exist", StringComparison.Ordinal), $"seed {seed}, round {round}");
        }

        await AssertOthersGoOnAsync();
    }

    [Fact]
    public async Task A_peer_that_dribbles_a_frame_is_dropped_in_time()
    {
        await RestartAsync(new StoreLimits { FrameTimeout = TimeSpan.FromSeconds(1.5) });
        await using RawPeer peer = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        await DribbleAsync(peer, new Writer(1, (byte)Operation.Set).Text("key").Bytes(new byte[100_000]).Finish());
        await AssertDroppedAsync(peer, "within 1.5 s");
    }

    [Fact]
    public async Task A_peer_that_dribbles_its_handshake_is_dropped_in_time()
    {
        await RestartAsync(new StoreLimits { FrameTimeout = TimeSpan.FromSeconds(1.5) });
        await using RawPeer peer = await RawPeer.ConnectAsync(_server.EndPoint);
        await DribbleAsync(peer, [.. "CSSTORE\u0001"u8, .. new byte[95]]);
        await AssertDroppedAsync(peer, "within 1.5 s");
    }

    [Fact]
    public async Task A_client_that_is_quiet_between_frames_is_not_slow()
    {
        await RestartAsync(new StoreLimits { FrameTimeout = TimeSpan.FromSeconds(1.5) });

        // Waits at the server for longer than a frame may take.
        await Assert.ThrowsAsync<TimeoutException>(async () => await _before.GetAsync("never", TimeSpan.FromSeconds(2)));
        await AssertOthersGoOnAsync();
        Assert.True(_log.IsEmpty);
    }

    [Fact]
    public async Task More_connections_than_allowed_are_refused_until_one_is_free()
    {
        await RestartAsync(new StoreLimits { MaxConnections = 3 });
        await using RawPeer second = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        RawPeer third = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        await using (RawPeer fourth = await RawPeer.ConnectAsync(_server.EndPoint))
        {
            Assert.Equal(StoreHandshake.Verdict.Full, await fourth.ShakeHandsAsync(Secret, Job));
            await fourth.WaitUntilDroppedAsync();
            Assert.Contains("refused: Full", await _log.NextAsync(s_patience), StringComparison.Ordinal);
        }

        TimeoutException full = await Assert.ThrowsAsync<TimeoutException>(() => SocketStore.ConnectAsync(_server.EndPoint, Secret, Job, TimeSpan.FromSeconds(1.5)));
        Assert.Contains("it takes no more connections", full.Message, StringComparison.Ordinal);
        await third.DisposeAsync();
        await AssertOthersGoOnAsync();
    }

    [Fact]
    public async Task A_client_that_leaves_in_good_order_is_not_logged()
    {
        SocketStore client = await SocketStore.ConnectAsync(_server.EndPoint, Secret, Job, s_patience);
        await client.SetAsync("key", default);
        await client.DisposeAsync();
        await AssertOthersGoOnAsync();
        Assert.True(_log.IsEmpty);
    }

    private async Task RestartAsync(StoreLimits limits)
    {
        await DisposeAsync();
        await StartAsync(limits);
    }

    private async Task StartAsync(StoreLimits limits)
    {
        _server = StoreServer.Start(new IPEndPoint(IPAddress.Loopback, 0), new InProcessStore(limits), Secret, Job, _log);
        _before = await SocketStore.ConnectAsync(_server.EndPoint, Secret, Job, s_patience);
    }

    /// <summary>Byte by byte, until the other side has had enough.</summary>
    private static async Task DribbleAsync(RawPeer peer, byte[] bytes)
    {
        try
        {
            foreach (byte one in bytes)
            {
                await peer.SendAsync(one);

                // The slowness is what is tested; the server's patience ends long before the bytes do.
                await Task.Delay(40);
            }
        }
        catch (IOException e) when (e.InnerException is SocketException)
        {
            return;
        }

        Assert.Fail("All bytes were taken.");
    }

    private async Task AssertMalformedAsync(byte[] frame, string logged)
    {
        await using RawPeer peer = await RawPeer.LetInAsync(_server.EndPoint, Secret, Job);
        await peer.SendAsync(frame);
        await AssertDroppedAsync(peer, logged);
    }

    private async Task AssertDroppedAsync(RawPeer peer, string logged)
    {
        await peer.WaitUntilDroppedAsync();
        string line = await _log.NextAsync(s_patience);
        Assert.StartsWith("Warning: ", line, StringComparison.Ordinal);
        Assert.Contains(logged, line, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, line, StringComparison.Ordinal);
        await AssertOthersGoOnAsync();
        Assert.True(_log.IsEmpty);
    }

    private async Task AssertOthersGoOnAsync()
    {
        SocketStore after = await SocketStore.ConnectAsync(_server.EndPoint, Secret, Job, s_patience);
        long value = await _before.AddAsync("counter", 1);
        Assert.Equal(value + 1, await after.AddAsync("counter", 1));
        await after.DisposeAsync();
    }
}
