using System.CommandLine;
using System.Globalization;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.RmsNorm;

/// <summary>perf rms-norm: all-reduce, residual and RMSNorm in one kernel beside an all-reduce and a kernel behind it.</summary>
internal sealed record RmsNormCommand(int Hidden, int[] Tokens, DataType Type, Float8Scaling Scaling, int Calls, int Replays, int Rounds, int? Ranks, LaunchMode Launch, bool SameGpu, FileInfo? Json)
{
    internal static Command Create()
    {
        Option<int> hidden = new("--hidden") { Description = "elements of a row", DefaultValueFactory = _ => 8192 };
        Option<int[]> tokens = new("--tokens") { Description = "rows, separated by commas", CustomParser = result => ParseNumbers(result.Tokens[0].Value, result.AddError), DefaultValueFactory = _ => [1, 2, 4, 8, 16, 32, 64, 128] };
        Option<DataType> type = new("--datatype", "-d") { Description = "float32, float16 or bfloat16", CustomParser = result => Parse(result.Tokens[0].Value, result.AddError), DefaultValueFactory = _ => DataType.BFloat16 };
        Option<Float8Scaling> scaling = new("--scaling") { Description = "of an output of e4m3", DefaultValueFactory = _ => Float8Scaling.None };
        Option<int> calls = new("--iters", "-n") { Description = "calls in a graph", DefaultValueFactory = _ => 20 };
        Option<int> replays = new("--cudagraph", "-G") { Description = "replays of a graph that are timed together", DefaultValueFactory = _ => 5 };
        Option<int> rounds = new("--rounds") { Description = "how often all routes are timed by turns; the table has medians", DefaultValueFactory = _ => 21 };
        Option<int?> ranks = new("--ngpus", "-g") { Description = "ranks to start (default: every GPU)" };
        Option<LaunchMode> launch = new("--launch") { Description = "what ranks are, when no launcher started this program", DefaultValueFactory = _ => LaunchMode.Processes };
        Option<bool> sameGpu = new("--same-gpu") { Description = "all ranks on the first GPU, as threads: what the kernels take without a wire; set CUDA_DEVICE_MAX_CONNECTIONS=32" };
        Option<FileInfo?> json = new("--json") { Description = "write the results to this file" };
        Command command = new("rms-norm", "All-reduce with residual and RMSNorm: one kernel beside two, in graphs, interleaved in one run.") { hidden, tokens, type, scaling, calls, replays, rounds, ranks, launch, sameGpu, json };
        command.SetAction((parsed, cancellationToken) => new RmsNormCommand(
            parsed.GetValue(hidden), parsed.GetValue(tokens)!, parsed.GetValue(type), parsed.GetValue(scaling), parsed.GetValue(calls), parsed.GetValue(replays), parsed.GetValue(rounds), parsed.GetValue(ranks), parsed.GetValue(launch), parsed.GetValue(sameGpu), parsed.GetValue(json))
            .RunAsync(cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (Hidden < 1 || Calls < 1 || Replays < 1 || Rounds < 1 || Tokens.Length == 0)
            throw new PerfException("--hidden, --tokens, -n, -G and --rounds are numbers from 1.");
        LaunchEnvironment environment = LaunchEnvironment.Detect();
        if (environment.Launcher != LauncherKind.None)
        {
            if (SameGpu)
                throw new PerfException("--same-gpu starts its ranks itself, as threads; leave the launcher out.");
            if (Ranks is { } asked && asked != environment.WorldSize)
                throw new PerfException($"-g {asked}, but {environment.Launcher} started {environment.WorldSize} ranks.");
            await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions(), cancellationToken);
            return new RmsNormRun(this, group).Execute();
        }

        if (!CudaDriver.TryInitialize(out string? reason))
            throw new PerfException($"rms-norm needs GPUs: {reason}");
        int ranks = Ranks ?? (SameGpu ? 2 : CudaDevice.All.Count);
        if (SameGpu ? ranks is < 2 or > 8 : ranks < 2 || ranks > CudaDevice.All.Count)
            throw new PerfException($"rms-norm over {ranks} ranks: {(SameGpu ? "2 to 8 with --same-gpu" : "two at least, each on a GPU, or --same-gpu")}; visible: {CudaDevice.DescribeAll()}.");
        if (Launch == LaunchMode.Processes && !SameGpu)
            return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(Environment.GetCommandLineArgs()[1..]), WorldSize = ranks }.RunAsync(cancellationToken);
        int[] results = new int[ranks];
        ThreadRanks.Run(ranks, group => results[group.Rank] = new RmsNormRun(this, group).Execute(), new GroupOptions { Device = SameGpu ? 0 : DeviceChoice.Auto });
        return results.Max();
    }

    private static int[] ParseNumbers(string text, Action<string> fail)
    {
        string[] parts = text.Split(',');
        int[] numbers = [.. parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0)];
        if (numbers.Any(number => number < 1))
            fail($"--tokens {text}: numbers from 1, separated by commas.");
        return numbers;
    }

    private static DataType Parse(string text, Action<string> fail)
    {
        if (DataTypeExtensions.TryParse(text, out DataType type) && type is DataType.Float32 or DataType.Float16 or DataType.BFloat16)
            return type;
        fail($"-d {text}: float, half or bfloat16.");
        return default;
    }
}
