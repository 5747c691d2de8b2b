using System.Diagnostics;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

[Collection(Alone.Name)]
public sealed class LauncherTests
{
    private const int SIGINT = 2;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_rank_that_fails_ends_the_others_and_its_exit_code_is_the_launchers()
    {
        using Process launcher = RankProcesses.StartOne(["launch", "3", "exit", "1", "7"], []);
        await launcher.WaitForExitAsync().WaitAsync(s_patience);
        Assert.Equal(7, launcher.ExitCode);
        Assert.Empty(await RemainingAsync(launcher.Id));
    }

    [Fact]
    public async Task An_interrupted_launcher_ends_its_ranks()
    {
        using Process launcher = await StartLoopAsync();
        int[] ranks = Children(launcher.Id);
        Assert.Equal(3, ranks.Length);
        Assert.Equal(0, PosixNative.kill(launcher.Id, SIGINT));
        await launcher.WaitForExitAsync().WaitAsync(s_patience);
        Assert.Equal(130, launcher.ExitCode);
        Assert.All(ranks, rank => Assert.False(IsRunning(rank)));
    }

    [Fact]
    public async Task The_ranks_of_a_killed_launcher_end_too()
    {
        using Process launcher = await StartLoopAsync();
        int[] ranks = Children(launcher.Id);
        launcher.Kill();
        await launcher.WaitForExitAsync().WaitAsync(s_patience);
        Stopwatch waited = Stopwatch.StartNew();
        while (ranks.Any(IsRunning) && waited.Elapsed < s_patience)
            await Task.Yield();
        Assert.All(ranks, rank => Assert.False(IsRunning(rank)));
    }

    private static async Task<Process> StartLoopAsync()
    {
        Process launcher = RankProcesses.StartOne(["launch", "3", "loop", "60000"], []);
        for (int rank = 0; rank < 3; rank++)
            Assert.Equal("ready", await RankProcesses.ReadLineAsync(launcher));
        return launcher;
    }

    private static async Task<int[]> RemainingAsync(int launcher)
    {
        await Task.Yield();
        return Children(launcher);
    }

    private static int[] Children(int parent) =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, System.Globalization.CultureInfo.InvariantCulture))
            .Where(id => ParentOf(id) == parent)];

    private static int ParentOf(int id)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return -1;
        }
    }

    private static bool IsRunning(int id)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
