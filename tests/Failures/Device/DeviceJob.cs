using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>
/// Rank processes over the stub driver and the stub NCCL (tests/Stubs), in COLLECTIVES_TEST_STUBS; with COLLECTIVES_TEST_GPUS=1 over this machine's driver, NCCL and GPUs: tests that set variables of the stubs are skipped then.
/// </summary>
internal sealed class DeviceJob : IAsyncDisposable
{
    private const int SIGKILL = 9;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    /// <summary>Of the one who started the tests, that ranks on real GPUs must see: where the libraries are, which GPUs are his.</summary>
    private static readonly string[] s_ofTheMachine = ["COLLECTIVES_CUDA_PATH", "COLLECTIVES_NCCL_PATH", "COLLECTIVES_KERNEL_CACHE", "CUDA_VISIBLE_DEVICES"];

    private readonly RankProcesses _processes;
    private readonly List<Report> _reports = [];

    private DeviceJob(RankProcesses processes) => _processes = processes;

    internal static string Stubs
    {
        get
        {
            string? folder = Environment.GetEnvironmentVariable("COLLECTIVES_TEST_STUBS");
            Assert.SkipWhen(string.IsNullOrEmpty(folder), "COLLECTIVES_TEST_STUBS does not name the folder that eng/build-stubs.sh has made.");
            Assert.True(File.Exists(Path.Combine(folder!, "libcuda.so.1")), $"No libcuda.so.1 in COLLECTIVES_TEST_STUBS={folder}.");
            return folder!;
        }
    }

    internal static bool IsReal => Environment.GetEnvironmentVariable("COLLECTIVES_TEST_GPUS") == "1";

    /// <summary>The variables with which ranks see so many GPUs; ranks beyond them share the first ones. Skips the test where there are fewer.</summary>
    internal static string Gpus(int count)
    {
        if (!IsReal)
            return $"STUB_CUDA_DEVICES={count}";
        Assert.SkipWhen(CudaDevice.All.Count < count, $"{count} GPUs are needed, visible: {CudaDevice.DescribeAll()}.");
        string[] visible = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES")?.Split(',') ?? [.. Enumerable.Range(0, count).Select(Text)];
        return $"CUDA_VISIBLE_DEVICES={string.Join(',', visible[..count])}";
    }

    /// <summary>One process for each rank, with more variables than the stubs' for some of them.</summary>
    internal static DeviceJob Start(int size, Func<int, Dictionary<string, string>> also, params string[] arguments)
    {
        bool real = IsReal;
        Assert.SkipWhen(real && Enumerable.Range(0, size).Any(rank => also(rank).Keys.Any(name => name.StartsWith("STUB_", StringComparison.Ordinal))), "The test sets variables of the stubs.");
        string stubs = real ? "" : Stubs, job = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return new DeviceJob(RankProcesses.Start(["device", .. arguments], Enumerable.Range(0, size).Select(rank =>
        {
            Dictionary<string, string> environment = new()
            {
                ["COLLECTIVES_RANK"] = Text(rank),
                ["COLLECTIVES_LOCAL_RANK"] = Text(rank),
                ["COLLECTIVES_WORLD_SIZE"] = Text(size),
                ["COLLECTIVES_LOCAL_SIZE"] = Text(size),
                ["COLLECTIVES_JOB_ID"] = job,
                // Most tests are of NCCL alone; those of our kernels say otherwise.
                ["COLLECTIVES_ALLREDUCE_ROUTE"] = "nccl",
            };
            if (real)
            {
                // No NVLink multicast in tests.
                environment["NCCL_NVLS_ENABLE"] = "0";
                foreach (string name in s_ofTheMachine)
                {
                    if (Environment.GetEnvironmentVariable(name) is { } value)
                        environment[name] = value;
                }
            }
            else
                environment["COLLECTIVES_CUDA_PATH"] = environment["COLLECTIVES_NCCL_PATH"] = stubs;
            if (Environment.GetEnvironmentVariable("COLLECTIVES_NVRTC_PATH") is { } compiler)
                environment["COLLECTIVES_NVRTC_PATH"] = compiler;
            foreach ((string name, string value) in also(rank))
                environment[name] = value;
            return environment;
        })));
    }

    /// <summary>The same variables for all ranks: "NAME=value NAME=value".</summary>
    internal static DeviceJob Start(int size, string also, params string[] arguments) => Start(size, _ => Variables(also), arguments);

    /// <summary>The variables are rank 1's alone.</summary>
    internal static DeviceJob StartUnlike(int size, string ofRank1, params string[] arguments) => Start(size, rank => rank == 1 ? Variables(ofRank1) : [], arguments);

    internal int ProcessOf(int rank) => _processes.Ranks[rank].Id;

    internal void Kill(int rank) => Assert.Equal(0, PosixNative.kill(ProcessOf(rank), SIGKILL));

    internal async Task<Report> NextAsync(int rank)
    {
        string line = await _processes.Ranks[rank].StandardOutput.ReadLineAsync().WaitAsync(s_patience)
            ?? throw new InvalidOperationException($"The process of rank {rank} has ended; said so far: {string.Join(Environment.NewLine, _reports)}");
        Report report = JsonSerializer.Deserialize<Report>(line)!;
        _reports.Add(report);
        return report;
    }

    /// <summary>Waits for the step "ready" of every rank.</summary>
    internal async Task WaitUntilReadyAsync()
    {
        for (int rank = 0; rank < _processes.Ranks.Length; rank++)
            Assert.Equal(("ready", ""), await NextAsync(rank) is var report ? (report.Step, report.Exception) : default);
    }

    /// <summary>Everything that this process still says; it must then end by itself, and well.</summary>
    internal async Task<Report[]> FinishAsync(int process)
    {
        Process rank = _processes.Ranks[process];
        List<Report> said = [];
        while (await rank.StandardOutput.ReadLineAsync().WaitAsync(s_patience) is { } line)
            said.Add(JsonSerializer.Deserialize<Report>(line)!);
        _reports.AddRange(said);
        await rank.WaitForExitAsync().WaitAsync(s_patience);
        Assert.True(rank.ExitCode == 0, $"Process {process} ended with {rank.ExitCode} after {string.Join(Environment.NewLine, said)}");
        return [.. said];
    }

    internal async Task<Report[]> FinishAsync() => [.. (await Task.WhenAll(Enumerable.Range(0, _processes.Ranks.Length).Select(FinishAsync))).SelectMany(said => said)];

    public ValueTask DisposeAsync() => _processes.DisposeAsync();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    internal static Dictionary<string, string> Variables(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
}
