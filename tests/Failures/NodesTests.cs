using System.Diagnostics;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Ranks that play two nodes: what reaches the other node only over TCP.</summary>
[Collection(Alone.Name)]
public sealed class NodesTests
{
    private const int SIGSTOP = 19;

    /// <summary>On one node and on two in turn, to save time; COLLECTIVES_TEST_KILLS above 50 means all of them.</summary>
    public static TheoryData<int, string> Calls
    {
        get
        {
            string[] names = [.. CollectiveCalls.Names, "mixed", "mixed"];
            bool all = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_KILLS"), out int kills) && kills > 50;
            return [.. names.SelectMany((name, index) => (all ? new[] { 1, 2 } : [(index % 2) + 1]).Select(nodes => (nodes, name))).Distinct().Select(call => new TheoryDataRow<int, string>(call.nodes, call.name))];
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_rank_killed_in_any_collective_is_named_by_every_survivor_within_two_seconds(int nodes, string collective)
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        await using RankProcesses job = RankProcesses.StartOnNodes(nodes, 4, "loop", "60000", collective);
        await job.WaitUntilReadyAsync();
        int victim = random.Next(4);

        // The moment is the point of the test; nothing waits for it.
        await Task.Delay(random.Next(60));
        long killed = Stopwatch.GetTimestamp();
        job.Ranks[victim].Kill();
        foreach (Process survivor in job.Ranks.Where((_, rank) => rank != victim))
        {
            Outcome outcome = await RankProcesses.ReadOutcomeAsync(survivor);
            double seconds = Stopwatch.GetElapsedTime(killed).TotalSeconds;
            string context = $"seed {seed}, rank {victim} killed, after {seconds:0.00} s: {outcome}";
            Assert.True(outcome.Exception == nameof(PeerLostException) && outcome.Reason == nameof(PeerLossReason.ProcessEnded), context);
            Assert.True(outcome.LostRank == victim && outcome.LostProcess == job.Ranks[victim].Id, context);
            Assert.True(seconds < 2, context);
            await survivor.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(RankProgram.Faulted, survivor.ExitCode);
        }
    }

    [Theory]
    [InlineData("AllReduce")]
    [InlineData("Broadcast")]
    [InlineData("AllToAll")]
    [InlineData("Barrier")]
    public async Task A_stopped_rank_is_named_at_the_deadline_on_every_node(string collective)
    {
        await using RankProcesses job = RankProcesses.StartOnNodes(2, 4, "loop", "2000", collective);
        await job.WaitUntilReadyAsync();
        Assert.Equal(0, PosixNative.kill(job.Ranks[2].Id, SIGSTOP));
        foreach (int other in new[] { 0, 1, 3 })
        {
            Outcome outcome = await RankProcesses.ReadOutcomeAsync(job.Ranks[other]);
            Assert.True(outcome is { Exception: nameof(PeerLostException), Reason: nameof(PeerLossReason.Silent), LostRank: 2 }, $"rank {other}: {outcome}");
        }
    }
}
