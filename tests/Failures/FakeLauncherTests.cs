using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Real processes with the variables of launchers that are not on this machine.</summary>
[Collection(Alone.Name)]
public sealed class FakeLauncherTests
{
    private static readonly string[] s_reduce = ["facts", "1", "reduce"];

    /// <summary>Of this run alone: rank 0's name and port follow from it.</summary>
    private static readonly uint s_job = (uint)Random.Shared.Next(1, int.MaxValue);

    [Fact]
    public async Task Ranks_of_srun_find_each_other_on_one_node()
    {
        await using RankProcesses job = RankProcesses.Start(s_reduce, new FakeLauncher(3).Srun(s_job, 0));
        await AssertFactsAsync(job, "Slurm", nodes: [3], sum: 3);
    }

    [Fact]
    public async Task Jobs_and_steps_at_the_same_time_do_not_disturb_each_other()
    {
        await using RankProcesses first = RankProcesses.Start(s_reduce, new FakeLauncher(2).Srun(s_job + 1, 0));
        await using RankProcesses secondStep = RankProcesses.Start(s_reduce, new FakeLauncher(3).Srun(s_job + 1, 1));
        await using RankProcesses otherJob = RankProcesses.Start(s_reduce, new FakeLauncher(2).Srun(s_job + 2, 0));
        await AssertFactsAsync(otherJob, "Slurm", nodes: [2], sum: 1);
        await AssertFactsAsync(secondStep, "Slurm", nodes: [3], sum: 3);
        await AssertFactsAsync(first, "Slurm", nodes: [2], sum: 1);
    }

    [Fact]
    public async Task Ranks_of_srun_on_two_nodes_meet_at_the_first_host_of_the_step()
    {
        await using RankProcesses job = RankProcesses.Start(["facts", "1"], new FakeLauncher(2, 1) { PlaysNodes = true }.Srun(s_job + 3, 4));
        await AssertFactsAsync(job, "Slurm", nodes: [2, 1], sum: null);
    }

    [Fact]
    public async Task Ranks_of_torchrun_find_each_other_beside_the_agent_that_holds_their_port()
    {
        using TcpListener agent = FakeLauncher.StartAgent();
        await using RankProcesses job = RankProcesses.Start(s_reduce, new FakeLauncher(3).Torchrun("run", FakeLauncher.PortOf(agent)));
        await AssertFactsAsync(job, "Torchrun", nodes: [3], sum: 3);
        Assert.False(agent.Pending());
    }

    [Fact]
    public async Task Ranks_of_torchrun_on_two_nodes_meet_at_the_port_behind_the_agents()
    {
        using TcpListener agent = FakeLauncher.StartAgent();
        await using RankProcesses job = RankProcesses.Start(["facts", "1"], new FakeLauncher(1, 2) { PlaysNodes = true, Also = { ["COLLECTIVES_SECRET"] = "secret" } }.Torchrun("run", FakeLauncher.PortOf(agent)));
        await AssertFactsAsync(job, "Torchrun", nodes: [1, 2], sum: null);
        Assert.False(agent.Pending());
    }

    [Fact]
    public async Task A_restarted_job_does_not_meet_what_is_left_of_the_one_before()
    {
        using TcpListener agent = FakeLauncher.StartAgent();
        FakeLauncher launcher = new(2);
        Dictionary<string, string>[] before = [.. launcher.Torchrun("run", FakeLauncher.PortOf(agent), restart: 0)];

        // Rank 0 of the first try is there and waits for a rank 1 that never comes.
        await using RankProcesses left = RankProcesses.Start(s_reduce, before[..1]);
        await using RankProcesses restarted = RankProcesses.Start(s_reduce, launcher.Torchrun("run", FakeLauncher.PortOf(agent), restart: 1));
        await AssertFactsAsync(restarted, "Torchrun", nodes: [2], sum: 1);
        Assert.False(left.Ranks[0].HasExited);
    }

    [Fact]
    public async Task Groups_of_one_job_one_after_the_other_each_get_a_store()
    {
        await using RankProcesses job = RankProcesses.Start(3, "facts", "3", "reduce");
        for (int group = 0; group < 3; group++)
            await AssertFactsAsync(job, "Collectives", nodes: [3], sum: 3, ends: group == 2);
    }

    [Fact]
    public async Task Two_processes_that_were_started_as_one_rank_are_told()
    {
        await using RankProcesses job = RankProcesses.Start(["facts", "1"], new FakeLauncher(3).Srun(s_job + 5, 0).Select(variables => Changed(variables, "SLURM_PROCID", "SLURM_LOCALID")));
        Outcome[] outcomes = await Task.WhenAll(job.Ranks[1..].Select(FirstToTellAsync));
        Outcome told = Assert.Single(outcomes, outcome => outcome.Exception == nameof(GroupCreationException) && outcome.Message.Contains("Two processes were started as one rank", StringComparison.Ordinal));
        Assert.Contains("rank 1 (host", told.Message, StringComparison.Ordinal);

        static Dictionary<string, string> Changed(Dictionary<string, string> variables, params string[] names)
        {
            foreach (string name in names)
                variables[name] = variables[name].Replace('2', '1');
            return variables;
        }

        // The other one waits for a rank 2 that nobody is; it need not come to its deadline for this test.
        async Task<Outcome> FirstToTellAsync(Process rank)
        {
            Task<string?> own = RankProcesses.ReadLineAsync(rank);
            Task<string?>[] all = [own, .. job.Ranks[1..].Where(other => other != rank).Select(other => other.WaitForExitAsync().ContinueWith(_ => (string?)null, TaskScheduler.Default))];
            return await await Task.WhenAny(all) is { } line ? JsonSerializer.Deserialize<Outcome>(line)! : new Outcome("", "", -1, null, 0, null, null, 0);
        }
    }

    [Fact]
    public async Task Half_a_set_of_variables_is_an_error_that_names_them()
    {
        await using RankProcesses job = RankProcesses.Start(["facts", "1"], [new() { ["RANK"] = "1", ["LOCAL_RANK"] = "1" }]);
        Outcome outcome = await RankProcesses.ReadOutcomeAsync(job.Ranks[0]);
        Assert.Equal(nameof(LaunchException), outcome.Exception);
        Assert.Contains("RANK=1 is set, WORLD_SIZE is not set", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranks_that_meet_in_a_folder_leave_nothing_in_it()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("collectives-failures-");
        try
        {
            FakeLauncher launcher = new(2, 1) { PlaysNodes = true, Also = { ["COLLECTIVES_STORE"] = $"file://{root.FullName}" } };
            await using RankProcesses job = RankProcesses.Start(["facts", "2"], launcher.Srun(s_job + 6, 0));
            await AssertFactsAsync(job, "Slurm", nodes: [2, 1], sum: null, ends: false);
            await AssertFactsAsync(job, "Slurm", nodes: [2, 1], sum: null);
            Assert.Empty(root.EnumerateFileSystemInfos());
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_rank_killed_while_it_holds_the_lock_of_a_folder_does_not_hold_up_the_others()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("collectives-failures-");
        try
        {
            string folder = Path.Combine(root.FullName, "store");
            await using FileStore store = FileStore.Open(folder);
            await store.SetAsync("key", default);
            await using RankProcesses holder = RankProcesses.Start(["lock", Path.Combine(folder, "lock")], [[]]);
            await holder.WaitUntilReadyAsync();
            Task<long> waiting = store.AddAsync("counter", 1).AsTask();
            Assert.False(waiting.IsCompleted);
            holder.Ranks[0].Kill();
            Assert.Equal(1, await waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    /// <summary>One line of each rank; <paramref name="ends"/>: and then its end, without an error.</summary>
    private static async Task AssertFactsAsync(RankProcesses job, string launcher, int[] nodes, int? sum, bool ends = true)
    {
        int rank = 0;
        foreach (int localSize in nodes)
        {
            for (int localRank = 0; localRank < localSize; localRank++)
            {
                string? line = await RankProcesses.ReadLineAsync(job.Ranks[rank]);
                Assert.True(line?.StartsWith("{\"Launcher\"", StringComparison.Ordinal), $"rank {rank}: {line}");
                Assert.Equal(new RankFacts(launcher, rank, nodes.Sum(), localRank, localSize, nodes.Length, sum), JsonSerializer.Deserialize<RankFacts>(line!));
                rank++;
            }
        }

        foreach (Process process in ends ? job.Ranks : [])
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            Assert.True(process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"exit code {process.ExitCode}"));
        }
    }
}
