using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Ranks as processes that nobody ends when one of them fails; a launcher would.</summary>
internal sealed class RankProcesses : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>What launchers and users set: what the tests themselves run under must not show through.</summary>
    private static readonly string[] s_launchers = ["COLLECTIVES_", "TORCHELASTIC_", "OMPI_", "PMIX_", "PMI_", "MPI_", "PALS_", "SLURM_", "MASTER_", "LOCAL_", "CUDA_VISIBLE_", "NCCL_", "STUB_"];

    private RankProcesses(Process[] ranks) => Ranks = ranks;

    internal Process[] Ranks { get; }

    internal static RankProcesses Start(int size, params string[] arguments) => Start(size, [], arguments);

    /// <summary>Ranks that play several nodes; those of a node follow each other.</summary>
    internal static RankProcesses StartOnNodes(int nodes, int size, params string[] arguments) => Start(size, [], arguments, nodes);

    internal static RankProcesses Start(int size, Dictionary<string, string> environment, string[] arguments, int nodes = 1)
    {
        string job = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return Start(arguments, Enumerable.Range(0, size).Select(rank => new Dictionary<string, string>(environment)
        {
            ["COLLECTIVES_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_LOCAL_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_WORLD_SIZE"] = size.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_LOCAL_SIZE"] = size.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_JOB_ID"] = job,
            ["COLLECTIVES_HOST_ID"] = nodes > 1 ? $"node {rank * nodes / size}" : "",
        }));
    }

    /// <summary>One rank for each of <paramref name="environments"/>.</summary>
    internal static RankProcesses Start(string[] arguments, IEnumerable<Dictionary<string, string>> environments) => new([.. environments.Select(environment => StartOne(arguments, environment))]);

    internal static RankProcesses Of(IEnumerable<Process> ranks) => new([.. ranks]);

    /// <summary><paramref name="prefix"/>: a command that runs the rank, e.g. in a network namespace.</summary>
    internal static Process StartOne(string[] arguments, Dictionary<string, string> environment, params string[] prefix)
    {
        string[] command = [.. prefix, .. ProcessLauncher.SameProgram(["--rank", .. arguments])];
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = true };
        foreach (string name in start.Environment.Keys.Where(name => name is "RANK" or "WORLD_SIZE" || s_launchers.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))).ToArray())
            start.Environment.Remove(name);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    internal async Task WaitUntilReadyAsync()
    {
        foreach (Process rank in Ranks)
            Assert.Equal("ready", await ReadLineAsync(rank));
    }

    internal static async Task<string?> ReadLineAsync(Process rank) => await rank.StandardOutput.ReadLineAsync().WaitAsync(s_patience);

    internal static async Task<Outcome> ReadOutcomeAsync(Process rank)
    {
        string? line = await ReadLineAsync(rank);
        Assert.True(line is not null, $"Process {rank.Id} ended without saying how.");
        return JsonSerializer.Deserialize<Outcome>(line)!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process rank in Ranks)
        {
            if (!rank.HasExited)
                rank.Kill();
            await rank.WaitForExitAsync().WaitAsync(s_patience);
            rank.Dispose();
        }
    }
}
