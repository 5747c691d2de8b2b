using CollectivesSharp;
using CollectivesSharp.Cuda;
using CollectivesSharp.Perf;
using CollectivesSharp.Perf.Routes;

ProcessLauncher.EndWithLauncher();
try
{
    return await CommandLine.InvokeAsync(args, RunAsync);
}
catch (Exception e) when (e is PerfException or LaunchException or GroupCreationException or CollectiveException or CudaException or KernelCompilationException or NotSupportedException or TimeoutException or IOException)
{
    await Console.Error.WriteLineAsync($"perf: {e.Message}");
    return 2;
}
catch (OperationCanceledException)
{
    return 130;
}

async Task<int> RunAsync(PerfOptions options, CancellationToken cancellationToken)
{
    LaunchEnvironment environment = LaunchEnvironment.Detect();
    GroupOptions groupOptions = Backends.GroupOptions(options);
    if (environment.Launcher != LauncherKind.None)
    {
        if (options.Ranks is { } asked && asked != environment.WorldSize)
            throw new PerfException($"-g {asked}, but {environment.Launcher} started {environment.WorldSize} ranks.");
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(groupOptions, cancellationToken);
        return await ExecuteAsync(options, group, cancellationToken);
    }

    int ranks = Backends.CountRanks(options);
    if (options.Launch == LaunchMode.Processes)
        return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(args), WorldSize = ranks }.RunAsync(cancellationToken);

    int[] results = new int[ranks];
    ThreadRanks.Run(ranks, group => results[group.Rank] = ExecuteAsync(options, group, cancellationToken).GetAwaiter().GetResult(), groupOptions);
    return results.Max();
}

static async Task<int> ExecuteAsync(PerfOptions options, GroupCoordinator group, CancellationToken cancellationToken)
{
    Setting setting = Backends.Settle(options, group);
    return options.Routes is null ? new Run(setting).Execute() : await new RouteRun(setting).ExecuteAsync(cancellationToken);
}
