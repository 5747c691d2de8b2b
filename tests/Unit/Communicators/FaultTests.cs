using System.Diagnostics;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

public abstract class FaultTests(int nodes)
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(200);

    private static readonly Dictionary<string, Action<GroupCoordinator, HostCallOptions>> s_calls = new()
    {
        ["Barrier"] = (group, options) => group.Barrier(options),
        ["AllReduce"] = (group, options) => group.AllReduce<float>(new float[8], new float[8], options: options),
        ["Reduce"] = (group, options) => group.Reduce<float>(new float[8], new float[8], 0, options: options),
        ["Broadcast"] = (group, options) => group.Broadcast<float>(new float[8], 0, options),
        ["AllGather"] = (group, options) => group.AllGather<float>(new float[8], new float[24], options),
        ["ReduceScatter"] = (group, options) => group.ReduceScatter<float>(new float[24], new float[8], options: options),
        ["Gather"] = (group, options) => group.Gather<float>(new float[8], new float[24], 0, options),
        ["Scatter"] = (group, options) => group.Scatter<float>(new float[24], new float[8], 0, options),
        ["AllToAll"] = (group, options) => group.AllToAll<float>(new float[24], new float[24], options),
        ["AllToAllV"] = (group, options) => group.AllToAllV<float>(new float[3], [1, 1, 1], new float[3], [1, 1, 1], options),
    };

    public static TheoryData<string> Calls => [.. s_calls.Keys];

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_rank_that_left_is_named_at_once(string call)
    {
        Exception?[] faults = Of(3, group =>
        {
            group.Barrier();
            if (group.Rank != 1)
                s_calls[call](group, default);
        });
        Assert.Null(faults[1]);
        foreach (int rank in new[] { 0, 2 })
        {
            PeerLostException lost = Assert.IsType<PeerLostException>(faults[rank]);
            Assert.Equal((PeerLossReason.Left, 1, Environment.ProcessId, Environment.MachineName, 2L), (lost.Reason, lost.Rank, lost.ProcessId, lost.Host, lost.Sequence));
            Assert.StartsWith(call, lost.Operation, StringComparison.Ordinal);
            Assert.Contains("rank 1", lost.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_silent_rank_is_named_at_the_calls_deadline_and_learns_of_it(string call)
    {
        using ManualResetEventSlim told = new();
        Exception?[] faults = Of(3, group =>
        {
            if (group.Rank == 1)
                told.Await();
            long start = Stopwatch.GetTimestamp();
            try
            {
                // One deadline is enough for all; of two, the other might fall on a rank that is only slow. Across nodes the late one can still complete the call, while the others'
                // end of it is on its way.
                for (int i = 0; i < nodes; i++)
                    s_calls[call](group, group.Rank == 0 ? new HostCallOptions { Timeout = s_short } : default);
            }
            finally
            {
                Assert.True(group.Rank != 0 || Stopwatch.GetElapsedTime(start) >= s_short * 0.9, "before its deadline");
                told.Set();
            }
        });
        foreach (Exception? fault in faults)
        {
            PeerLostException lost = Assert.IsType<PeerLostException>(fault);
            Assert.Equal((PeerLossReason.Silent, 1), (lost.Reason, lost.Rank));
            Assert.InRange(lost.Sequence, 1, nodes);
            Assert.StartsWith(call, lost.Operation, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_groups_timeout_counts_for_a_call_that_names_none()
    {
        using ManualResetEventSlim told = new();
        Exception?[] faults = Of(2, group =>
        {
            if (group.Rank == 1)
                told.Await();
            else
            {
                Assert.Equal(PeerLossReason.Silent, Assert.Throws<PeerLostException>(() => group.Barrier()).Reason);
                told.Set();
            }
        }, TimeSpan.FromSeconds(2));
        Assert.All(faults, Assert.Null);
    }

    [Fact]
    public void The_living_make_a_new_group_after_a_loss()
    {
        using ManualResetEventSlim done = new();
        Exception?[] faults = Of(3, group =>
        {
            if (group.Rank == 1)
            {
                done.Await();
                return;
            }

            Assert.Throws<PeerLostException>(() => group.Barrier(new HostCallOptions { Timeout = s_short }));
            GroupCoordinator next = group.NewGroupAsync([0, 2]).GetAwaiter().GetResult();
            int[] sum = [group.Rank];
            next.AllReduce<int>(sum, sum);
            Assert.Equal(2, sum[0]);
            done.Set();
            next.DisposeAsync().AsTask().GetAwaiter().GetResult();
        });
        Assert.All(faults, Assert.Null);
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void An_abort_from_another_thread_ends_the_call_on_every_rank_with_its_reason(string call)
    {
        using ManualResetEventSlim waiting = new(), told = new();
        Exception?[] faults = Of(3, group =>
        {
            if (group.Rank == 1)
            {
                told.Await();
                group.ThrowIfFaulted();
            }
            else if (group.Rank == 2)
            {
                // In the call by now or just before it: the abort ends it either way.
                Thread other = new(() =>
                {
                    waiting.Await();
                    group.Abort("the operator said so ☹");
                });
                other.Start();
                waiting.Set();
                s_calls[call](group, default);
            }
            else
            {
                try
                {
                    s_calls[call](group, default);
                }
                finally
                {
                    told.Set();
                }
            }
        });
        Assert.All(faults, fault =>
        {
            GroupAbortedException aborted = Assert.IsType<GroupAbortedException>(fault);
            Assert.Equal(2, aborted.AbortedBy);
            Assert.EndsWith("the operator said so ☹", aborted.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_first_abort_wins_and_a_long_reason_is_cut_between_characters()
    {
        string reason = string.Concat(Enumerable.Repeat("☹", 500));
        Exception?[] faults = Of(2, group =>
        {
            if (group.Rank == 0)
            {
                group.Abort(reason);
                Assert.Throws<GroupAbortedException>(() => group.Barrier());
            }

            GroupAbortedException aborted = Assert.Throws<GroupAbortedException>(() => group.Barrier());
            group.Abort("second");
            Assert.Equal(0, aborted.AbortedBy);
            string told = aborted.Message[(aborted.Message.IndexOf('☹', StringComparison.Ordinal))..];
            Assert.InRange(told.Length, 60, 100);
            Assert.Equal(reason[..told.Length], told);
        });
        Assert.All(faults, Assert.Null);
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void A_cancelled_call_ends_here_and_aborts_the_group_elsewhere(string call)
    {
        using CancellationTokenSource cancel = new();
        using ManualResetEventSlim waiting = new(), told = new();
        Exception?[] faults = Of(3, group =>
        {
            if (group.Rank == 0)
            {
                waiting.Set();
                s_calls[call](group, new HostCallOptions { CancellationToken = cancel.Token });
            }
            else if (group.Rank == 1)
            {
                waiting.Await();
                cancel.Cancel();
                told.Await();
                group.Barrier();
            }
            else
            {
                try
                {
                    waiting.Await();
                    s_calls[call](group, default);
                }
                finally
                {
                    told.Set();
                }
            }
        });

        // Cancelled before it waited, nothing had begun and the group knows nothing of it: then rank 0 has left.
        Assert.IsType<OperationCanceledException>(faults[0], exactMatch: false);
        foreach (int rank in new[] { 1, 2 })
        {
            if (faults[rank] is PeerLostException { Reason: PeerLossReason.Left, Rank: 0 })
                continue;
            GroupAbortedException aborted = Assert.IsType<GroupAbortedException>(faults[rank]);
            Assert.Equal(0, aborted.AbortedBy);
            Assert.Contains(call, aborted.Message, StringComparison.Ordinal);
            Assert.EndsWith("was cancelled on this rank", aborted.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_call_that_is_cancelled_before_it_begins_leaves_the_group_alone()
    {
        Exception?[] faults = Of(2, group =>
        {
            if (group.Rank == 0)
                Assert.ThrowsAny<OperationCanceledException>(() => group.Barrier(new HostCallOptions { CancellationToken = new CancellationToken(canceled: true) }));
            group.Barrier();
            Assert.False(group.IsFaulted);
        });
        Assert.All(faults, Assert.Null);
    }

    [Fact]
    public void A_second_call_at_the_same_time_is_refused_and_the_first_one_completes()
    {
        using ManualResetEventSlim refused = new();
        Exception?[] faults = Of(2, group =>
        {
            if (group.Rank == 1)
            {
                refused.Await();
                group.Barrier();
                return;
            }

            Exception?[] outcomes = new Exception?[2];
            Thread[] threads = [.. Enumerable.Range(0, 2).Select(index => new Thread(() =>
            {
                outcomes[index] = Record.Exception(() => group.Barrier());
                refused.Set();
            }))];
            foreach (Thread thread in threads)
                thread.Start();
            foreach (Thread thread in threads)
                Assert.True(thread.Join(Faults.Patience));
            Assert.Contains("Barrier", Assert.IsType<InvalidOperationException>(Assert.Single(outcomes.OfType<Exception>())).Message, StringComparison.Ordinal);
        });
        Assert.All(faults, Assert.Null);
    }

    [Fact]
    public void A_group_that_is_disposed_under_a_call_ends_the_call_on_every_rank()
    {
        using ManualResetEventSlim waiting = new(), told = new();
        Exception?[] faults = Of(3, group =>
        {
            if (group.Rank == 0)
            {
                Thread other = new(() =>
                {
                    waiting.Await();
                    group.DisposeAsync().AsTask().GetAwaiter().GetResult();
                });
                other.Start();
                waiting.Set();
                try
                {
                    group.Barrier();
                }
                finally
                {
                    Assert.True(other.Join(Faults.Patience));
                }
            }
            else if (group.Rank == 1)
            {
                told.Await();
                group.Barrier();
            }
            else
            {
                try
                {
                    group.Barrier();
                }
                finally
                {
                    told.Set();
                }
            }
        });

        // Which of the two threads of rank 0 was first is open; nobody hangs, and nobody returns as if all had come.
        Assert.True(faults[0] is GroupAbortedException or ObjectDisposedException, $"{faults[0]}");
        Assert.All(faults[1..], fault => Assert.True(fault is GroupAbortedException { AbortedBy: 0 } or PeerLostException { Reason: PeerLossReason.Left, Rank: 0 }, $"{fault}"));
    }

    private Exception?[] Of(int ranks, Action<GroupCoordinator> body, TimeSpan? timeout = null) => Faults.Of(ranks, body, timeout, nodes);
}

public sealed class FaultsOnOneNode() : FaultTests(1);

public sealed class FaultsAcrossNodes() : FaultTests(2);
