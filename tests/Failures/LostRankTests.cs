using System.Diagnostics;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

[Collection(Alone.Name)]
public sealed class LostRankTests
{
    private const int SIGSTOP = 19;
    private const int SIGCONT = 18;

    /// <summary>How many ranks are killed, each in a job of its own; COLLECTIVES_TEST_KILLS changes it.</summary>
    private static readonly int s_kills = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_KILLS"), out int kills) ? kills : 20;

    [Fact]
    public async Task A_killed_rank_is_named_by_every_survivor_within_two_seconds()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        string[] before = SharedMemoryFiles();
        double slowest = 0;
        for (int round = 0; round < s_kills; round++)
        {
            string[] loop = (round % 3) switch { 0 => ["AllReduce"], 1 => ["AllReduce", "shared"], _ => ["AllocateHost"] };
            await using RankProcesses job = RankProcesses.Start(4, ["loop", "60000", .. loop]);
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
                slowest = Math.Max(slowest, seconds);
                string context = $"round {round}, seed {seed}, rank {victim} killed: {outcome}";
                Assert.True(outcome.Exception == nameof(PeerLostException) && outcome.Reason == nameof(PeerLossReason.ProcessEnded), context);
                Assert.True(outcome.LostRank == victim && outcome.LostProcess == job.Ranks[victim].Id, context);
                Assert.True(outcome.LostHost == Environment.MachineName && outcome.Operation!.StartsWith(loop[0], StringComparison.Ordinal) && outcome.Sequence > 0, context);
                Assert.True(seconds < 2, $"{seconds:0.00} s, {context}");
                await survivor.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
                Assert.Equal(RankProgram.Faulted, survivor.ExitCode);
            }

            Assert.Equal(before, SharedMemoryFiles());
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{s_kills} kills, the slowest survivor after {slowest * 1e3:0} ms");
    }

    [Fact]
    public async Task A_stopped_rank_is_named_at_the_deadline_and_learns_of_it_when_it_goes_on()
    {
        await using RankProcesses job = RankProcesses.Start(3, "loop", "1000");
        await job.WaitUntilReadyAsync();
        Process silent = job.Ranks[1];
        Assert.Equal(0, PosixNative.kill(silent.Id, SIGSTOP));
        foreach (Process other in new[] { job.Ranks[0], job.Ranks[2] })
        {
            Outcome outcome = await RankProcesses.ReadOutcomeAsync(other);
            Assert.Equal((nameof(PeerLostException), nameof(PeerLossReason.Silent), 1, silent.Id), (outcome.Exception, outcome.Reason, outcome.LostRank, outcome.LostProcess));
        }

        Assert.Equal(0, PosixNative.kill(silent.Id, SIGCONT));
        Outcome own = await RankProcesses.ReadOutcomeAsync(silent);
        Assert.Equal((nameof(PeerLostException), 1), (own.Exception, own.LostRank));
    }

    [Fact]
    public async Task Two_killed_ranks_end_the_group_and_one_of_them_is_named()
    {
        await using RankProcesses job = RankProcesses.Start(4, "loop", "60000");
        await job.WaitUntilReadyAsync();
        job.Ranks[0].Kill();
        job.Ranks[3].Kill();
        foreach (Process survivor in new[] { job.Ranks[1], job.Ranks[2] })
        {
            Outcome outcome = await RankProcesses.ReadOutcomeAsync(survivor);
            Assert.True(outcome.Exception == nameof(PeerLostException) && outcome.LostRank is 0 or 3, outcome.ToString());
        }
    }

    [Fact]
    public async Task Where_one_rank_has_no_descriptor_left_nobody_gets_memory_and_the_group_goes_on()
    {
        await using RankProcesses job = RankProcesses.Start(3, "descriptors");
        foreach (Process rank in job.Ranks)
        {
            Outcome outcome = await RankProcesses.ReadOutcomeAsync(rank);
            Assert.True(outcome.Exception == nameof(IOException) && outcome.Message.Contains("rank 1 (", StringComparison.Ordinal), outcome.ToString());
            Assert.Equal("right", await RankProcesses.ReadLineAsync(rank));
        }
    }

    private static string[] SharedMemoryFiles() => [.. Directory.EnumerateFileSystemEntries("/dev/shm").Where(name => name.Contains("collectives", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
