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

    internal static RankProcesses Start(int size, params string[] arguments) => Start(size, [], arguments);

    internal static RankProcesses Start(int size, Dictionary<string, string> environment, string[] arguments)
    {
        string job = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return new RankProcesses([.. Enumerable.Range(0, size).Select(rank => StartOne(arguments, new Dictionary<string, string>(environment)
        {
            ["COLLECTIVES_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_LOCAL_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_WORLD_SIZE"] = size.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_LOCAL_SIZE"] = size.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_JOB_ID"] = job,
        }))]);
    }

    internal static Process StartOne(string[] arguments, Dictionary<string, string> environment)
    {
        string[] command = ProcessLauncher.SameProgram(["--rank", .. arguments]);
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
