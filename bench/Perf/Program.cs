using CollectivesSharp;
using CollectivesSharp.Perf;

ProcessLauncher.EndWithLauncher();
try
{
    return await CommandLine.InvokeAsync(args, RunAsync);
}
catch (Exception e) when (e is PerfException or LaunchException or GroupCreationException or CollectiveException or TimeoutException or IOException)
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
    if (environment.Launcher != LauncherKind.None)
    {
        if (options.Ranks is { } asked && asked != environment.WorldSize)
            throw new PerfException($"-g {asked}, but {environment.Launcher} started {environment.WorldSize} ranks.");
        if (environment.Rank == 0)
            Backends.Explain(options.Backend, environment.WorldSize);
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(cancellationToken: cancellationToken);
        return new Run(options, group).Execute();
    }

    int ranks = options.Ranks ?? Backends.DefaultRanks;
    if (options.Launch == LaunchMode.Processes)
        return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(args), WorldSize = ranks }.RunAsync(cancellationToken);

    Backends.Explain(options.Backend, ranks);
    int[] results = new int[ranks];
    ThreadRanks.Run(ranks, group => results[group.Rank] = new Run(options, group).Execute());
    return results.Max();
}
