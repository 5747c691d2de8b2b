using System.CommandLine;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.Routes;

/// <summary>perf tune: measures the routes of all-reduces here and keeps the table, which later groups of such ranks find.</summary>
internal static class TuneCommand
{
    internal static Command Create(Option<long> min, Option<long> max, Option<int> factor, Option<int> iterations, Option<int> checks, Option<DataType[]> types, Option<int?> ranks, Option<LaunchMode> launch, Option<FileInfo?> json,
        Option<int> rounds, Option<RouteMode> mode, Option<int> timeout, Option<FileInfo?> svg, Func<PerfOptions, CancellationToken, Task<int>> run)
    {
        Command command = new("tune", $"Measures every route of all-reduces for these ranks, eager and in graphs, and keeps the table ({AllReduceTuningModeText}).")
        {
            min, max, factor, iterations, checks, types, ranks, launch, json, rounds, mode, timeout, svg,
        };
        command.SetAction((parsed, cancellationToken) => run(
            new PerfOptions
            {
                Collective = CollectiveKind.AllReduce,
                MinBytes = parsed.GetValue(min),
                MaxBytes = parsed.GetResult(max) is { Implicit: true } ? new AllReduceTunerOptions().MaxBytes : parsed.GetValue(max),
                StepBytes = 0,
                StepFactor = parsed.GetValue(factor),
                Iterations = parsed.GetValue(iterations),
                WarmupIterations = 0,
                Checks = parsed.GetResult(checks) is { Implicit: true } ? RouteOptions.Checks : parsed.GetValue(checks),
                Types = parsed.GetResult(types) is { Implicit: true } ? new AllReduceTunerOptions().Types : parsed.GetValue(types)!,
                Operations = [Operation.Sum],
                Root = 0,
                Ranks = parsed.GetValue(ranks),
                Backend = Backend.Cuda,
                Launch = parsed.GetValue(launch),
                Replays = 0,
                Json = parsed.GetValue(json),
                Routes = new RouteOptions(true, parsed.GetValue(rounds), parsed.GetValue(mode), TimeSpan.FromSeconds(parsed.GetValue(timeout)), parsed.GetValue(svg)),
            },
            cancellationToken));
        return command;
    }

    private const string AllReduceTuningModeText = "in COLLECTIVES_TUNING_CACHE, else the user's cache folder";
}
