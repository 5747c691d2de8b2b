using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

/// <summary>Groups of threads that play two nodes: what goes wrong must be known on the other node too.</summary>
public sealed class NodeFaultTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private static GroupOptions OnNode(int node) => new() { HostId = $"node {node}", Timeout = s_patience };

    /// <summary>What each rank's body threw.</summary>
    private static Exception?[] Run(int ranks, Action<GroupCoordinator> body, TimeSpan? timeout = null)
    {
        Exception?[] faults = new Exception?[ranks];
        ThreadRanks.Run(ranks, group => faults[group.Rank] = Record.Exception(() => body(group)), rank => OnNode(rank * 2 / ranks) with { Timeout = timeout ?? s_patience });
        return faults;
    }

    [Fact]
    public void A_call_that_one_rank_makes_differently_is_told_to_ranks_of_every_node()
    {
        (string Most, string One, Action<GroupCoordinator, bool> Call)[] cases =
        [
            ("Broadcast(9 × Int32, root 0)", "Broadcast(9 × Int32, root 3)", (group, odd) => group.Broadcast<int>(new int[9], odd ? 3 : 0)),
            ("AllReduce(50000 × Float32, Sum)", "AllReduce(50000 × Float32, Max)", (group, odd) => group.AllReduce<float>(new float[50_000], new float[50_000], odd ? ReduceOp.Max : ReduceOp.Sum)),
            ("Gather(70000 × Int8, root 1)", "Scatter(70000 × Int8, root 2)", (group, odd) =>
            {
                if (odd)
                    group.Scatter<sbyte>([], new sbyte[70_000], 2);
                else
                    group.Gather<sbyte>(new sbyte[70_000], group.Rank == 1 ? new sbyte[280_000] : [], 1);
            }),
            ("AllGather(6 × Float64)", "Barrier", (group, odd) =>
            {
                if (odd)
                    group.Barrier();
                else
                    group.AllGather<double>(new double[6], new double[24]);
            }),
        ];
        foreach ((string most, string one, Action<GroupCoordinator, bool> call) in cases)
        {
            Exception?[] faults = Run(4, group =>
            {
                group.Barrier();
                call(group, group.Rank == 3);
            });
            Assert.All(faults, (fault, rank) =>
            {
                CallMismatchException mismatch = Assert.IsType<CallMismatchException>(fault);
                Assert.Contains($"ranks 0, 1, 2 called {most}; rank 3 called {one}", mismatch.Message, StringComparison.Ordinal);
                Assert.Equal(2, mismatch.Sequence);
            });
        }
    }

    [Theory]
    [InlineData(17)]
    [InlineData(20)]
    public void Inputs_about_as_long_as_an_agreement_carries_are_reduced_like_any_other(int ranks)
    {
        Exception?[] faults = Run(ranks, group =>
        {
            int limit = (64 << 10) / ranks / sizeof(float);
            for (int length = limit - 3; length <= limit + 3; length++)
            {
                float[] values = new float[length];
                Array.Fill(values, group.Rank);
                group.AllReduce<float>(values, values, ReduceOp.Max);
                Assert.DoesNotContain(values, value => value != ranks - 1);
            }
        });
        Assert.All(faults, Assert.Null);
    }

    [Fact]
    public void A_timeout_beyond_what_a_clock_can_hold_is_refused_and_leaves_the_group_alone()
    {
        Exception?[] faults = Run(2, group =>
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => group.Barrier(new HostCallOptions { Timeout = TimeSpan.MaxValue }));
            group.Barrier(new HostCallOptions { Timeout = TimeSpan.FromDays(7) });
        });
        Assert.All(faults, Assert.Null);
    }

    [Fact]
    public void An_exchange_whose_receiver_has_left_names_it_though_anybody_may_send()
    {
        using Barrier done = new(2);
        Exception?[] faults = Run(3, group =>
        {
            if (group.Rank == 2)
                return;
            if (group.Rank == 0)
            {
                try
                {
                    group.SendReceive<int>(new int[100_000], 2, new int[1], HostMessage.Any);
                }
                finally
                {
                    Assert.True(done.SignalAndWait(s_patience));
                }
            }
            else
            {
                Assert.True(done.SignalAndWait(s_patience));
            }
        });
        Assert.Equal((PeerLossReason.Left, 2), (Assert.IsType<PeerLostException>(faults[0]).Reason, ((PeerLostException)faults[0]!).Rank));
    }

    [Fact]
    public void An_abort_reaches_ranks_of_other_nodes_that_wait_with_its_reason()
    {
        Exception?[] faults = Run(4, group =>
        {
            if (group.Rank == 3)
                group.Abort("out of coffee");
            else
                group.Barrier();
        });
        Assert.Null(faults[3]);
        Assert.All(faults[..3], fault =>
        {
            GroupAbortedException aborted = Assert.IsType<GroupAbortedException>(fault);
            Assert.Equal(3, aborted.AbortedBy);
            Assert.Contains("out of coffee", aborted.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void An_abort_on_another_node_is_seen_between_calls()
    {
        Exception?[] faults = Run(2, group =>
        {
            group.Barrier();
            if (group.Rank == 0)
                group.Abort("enough");
            else
                Assert.True(SpinWait.SpinUntil(() => group.IsFaulted, s_patience));
            Assert.Throws<GroupAbortedException>(group.ThrowIfFaulted);
        });
        Assert.All(faults, Assert.Null);
    }

    [Fact]
    public void A_rank_that_disposed_its_end_is_named_by_those_who_need_it()
    {
        Exception?[] faults = Run(4, group =>
        {
            group.Barrier();
            if (group.Rank != 1)
                group.AllReduce<int>(new int[3], new int[3]);
        });
        Assert.Null(faults[1]);
        Assert.All(faults.Where((_, rank) => rank != 1), fault =>
        {
            PeerLostException lost = Assert.IsType<PeerLostException>(fault);
            Assert.Equal((PeerLossReason.Left, 1), (lost.Reason, lost.Rank));
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_barrier_names_everybody_who_is_missing_at_the_deadline(int nodes)
    {
        Exception?[] faults = new Exception?[6];
        using Barrier done = new(6);
        ThreadRanks.Run(6, group =>
        {
            group.Barrier();
            if (group.Rank is not (2 or 5))
                faults[group.Rank] = Record.Exception(() => group.Barrier(new HostCallOptions { Timeout = TimeSpan.FromSeconds(1.5) }));

            // The missing ones are there, and busy with something else.
            Assert.True(done.SignalAndWait(s_patience));
        }, rank => OnNode(rank * nodes / 6));
        Assert.All(new[] { 0, 1, 3, 4 }, rank =>
        {
            PeerLostException lost = Assert.IsType<PeerLostException>(faults[rank]);
            Assert.Equal(PeerLossReason.Silent, lost.Reason);
            Assert.Equal([2, 5], lost.Peers.Select(peer => peer.Rank));
            Assert.Contains("rank 2 (host", lost.Message, StringComparison.Ordinal);
            Assert.Contains("rank 5 (host", lost.Message, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_message_that_does_not_fit_its_receive_is_a_mismatch_that_says_both_sides(int nodes)
    {
        foreach ((Action<GroupCoordinator> receive, string what) in new (Action<GroupCoordinator>, string)[]
        {
            (group => group.Receive(new float[15], 0, tag: 3), "rank 0 sent 16 × Float32 with tag 3, rank 1 receives at most 15 × Float32"),
            (group => group.Receive(new int[16], 0, tag: 3), "rank 0 sent 16 × Float32 with tag 3, rank 1 receives at most 16 × Int32"),
        })
        {
            Exception? fault = null;
            ThreadRanks.Run(2, group =>
            {
                if (group.Rank == 0)
                    group.Send<float>(new float[16], 1, tag: 3);
                else
                    fault = Record.Exception(() => receive(group));
            }, rank => OnNode(rank * nodes / 2));
            Assert.Contains(what, Assert.IsType<CallMismatchException>(fault).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_receive_whose_sender_has_left_or_stays_away_names_it(int nodes)
    {
        Exception?[] faults = new Exception?[3];
        ThreadRanks.Run(3, group =>
        {
            if (group.Rank == 0)
                faults[0] = Record.Exception(() => group.Receive(new int[1], 2));
            else if (group.Rank == 1)
                faults[1] = Record.Exception(() => group.Receive(new int[1], 2, options: new HostCallOptions { Timeout = TimeSpan.FromSeconds(19) }));
        }, rank => OnNode(rank * nodes / 3));
        Assert.All(faults[..2], fault => Assert.Equal((PeerLossReason.Left, 2), (Assert.IsType<PeerLostException>(fault).Reason, ((PeerLostException)fault).Rank)));

        using Barrier done = new(2);
        ThreadRanks.Run(2, group =>
        {
            if (group.Rank == 0)
                faults[2] = Record.Exception(() => group.Receive(new int[1], 1, options: new HostCallOptions { Timeout = TimeSpan.FromSeconds(1) }));
            Assert.True(done.SignalAndWait(s_patience));
        }, rank => OnNode(rank * nodes / 2));
        Assert.Equal((PeerLossReason.Silent, 1), (Assert.IsType<PeerLostException>(faults[2]).Reason, ((PeerLostException)faults[2]!).Rank));
    }

    [Fact]
    public void A_receive_that_waits_behind_a_collective_of_its_sender_is_a_mismatch()
    {
        Exception?[] faults = Run(2, group =>
        {
            if (group.Rank == 0)
                group.AllReduce<int>(new int[4], new int[4]);
            else
                group.Receive(new int[1], 0);
        });
        Assert.All(faults, fault => Assert.Contains("rank 0 is in collective 1; rank 1 called Receive(1 × Int32, from rank 0, tag 0) before it", Assert.IsType<CallMismatchException>(fault).Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Strangers_at_the_port_between_nodes_are_refused_and_logged_and_the_group_is_made_all_the_same()
    {
        InProcessStore store = new();
        LogCapture log = new();
        GroupOptions Options(int rank) => OnNode(rank) with { Rank = rank, WorldSize = 2, Store = store, LoggerFactory = new OneLogger(log) };
        Task<GroupCoordinator> first = GroupCoordinator.CreateAsync(Options(0));
        Task<GroupCoordinator>? second = null;
        try
        {
            // Rank 1 says hello and is then held up: its end of the store does not hand out the token.
            HeldStore held = new(store, "/mesh/token");
            second = GroupCoordinator.CreateAsync(Options(1) with { Store = held });
            byte[] offer = await store.GetAsync("world/1/mesh/offer/0", s_patience);
            int port = JsonDocument.Parse(offer).RootElement.GetProperty("Port").GetInt32();

            List<Socket> strangers = [];
            foreach (byte[] words in new[] { "GET / HTTP/1.1\r\n\r\n"u8.ToArray(), new byte[4096], [0xFF, 0xFF, 0xFF, 0x7F], [] })
            {
                Socket stranger = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await stranger.ConnectAsync(IPAddress.Loopback, port);
                await stranger.SendAsync(words);
                strangers.Add(stranger);
            }

            // The one of 4096 bytes is refused by what it says, the others by what they don't.
            string refusal = await log.NextAsync(s_patience);
            Assert.Contains("refused", refusal, StringComparison.Ordinal);
            Assert.Contains("127.0.0.1", refusal, StringComparison.Ordinal);
            held.LetGo();
            await using GroupCoordinator group = await first.WaitAsync(s_patience);
            await using GroupCoordinator other = await second.WaitAsync(s_patience);
            int[] sum = [1], otherSum = [2];
            await Task.WhenAll(Task.Run(() => group.AllReduce<int>(sum, sum)), Task.Run(() => other.AllReduce<int>(otherSum, otherSum)));
            Assert.Equal((3, 3), (sum[0], otherSum[0]));
            strangers.ForEach(stranger => stranger.Dispose());
        }
        finally
        {
            await (second ?? Task.CompletedTask).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private sealed class OneLogger(ILogger logger) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => logger;

        public void Dispose()
        {
        }
    }

    /// <summary>Passes everything on; gets of keys that end in a suffix wait until let go.</summary>
    private sealed class HeldStore(IStore inner, string suffix) : IStore
    {
        private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal void LetGo() => _go.SetResult();

        public ValueTask SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) => inner.SetAsync(key, value, cancellationToken);

        public async ValueTask<byte[]> GetAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default)
        {
            if (key.EndsWith(suffix, StringComparison.Ordinal))
                await _go.Task.WaitAsync(timeout, cancellationToken);
            return await inner.GetAsync(key, timeout, cancellationToken);
        }

        public ValueTask<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken = default) => inner.TryGetAsync(key, cancellationToken);

        public ValueTask WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellationToken = default) => inner.WaitAsync(keys, timeout, cancellationToken);

        public ValueTask<long> AddAsync(string key, long delta, CancellationToken cancellationToken = default) => inner.AddAsync(key, delta, cancellationToken);

        public ValueTask<byte[]?> CompareSetAsync(string key, byte[]? expected, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) => inner.CompareSetAsync(key, expected, value, cancellationToken);

        public ValueTask<bool> DeleteAsync(string key, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
