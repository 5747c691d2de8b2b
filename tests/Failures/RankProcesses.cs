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

    private RankProcesses(Process[] ranks) => Ranks = ranks;

    internal Process[] Ranks { get; }

    internal static RankProcesses Start(int size, params string[] arguments) => StartOnNodes(1, size, arguments);

    /// <summary>Ranks that play several nodes; those of a node follow each other.</summary>
    internal static RankProcesses StartOnNodes(int nodes, int size, params string[] arguments)
    {
        string job = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return new RankProcesses([.. Enumerable.Range(0, size).Select(rank =>
        {
            Dictionary<string, string> environment = new()
            {
                ["COLLECTIVES_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
                ["COLLECTIVES_LOCAL_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
                ["COLLECTIVES_WORLD_SIZE"] = size.ToString(CultureInfo.InvariantCulture),
                ["COLLECTIVES_LOCAL_SIZE"] = size.ToString(CultureInfo.InvariantCulture),
                ["COLLECTIVES_JOB_ID"] = job,
            };
            if (nodes > 1)
                environment["COLLECTIVES_HOST_ID"] = $"node {rank * nodes / size}";
            return StartOne(arguments, environment);
        })]);
    }

    internal static RankProcesses Of(IEnumerable<Process> ranks) => new([.. ranks]);

    /// <summary><paramref name="prefix"/>: a command that runs the rank, e.g. in a network namespace.</summary>
    internal static Process StartOne(string[] arguments, Dictionary<string, string> environment, params string[] prefix)
    {
        string[] command = [.. prefix, .. ProcessLauncher.SameProgram(["--rank", .. arguments])];
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = true };
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
