namespace CollectivesSharp.Perf.Routes;

/// <summary>What --compare and tune have beyond a run's options.</summary>
/// <param name="Tunes">The result becomes the table of later groups.</param>
/// <param name="Rounds">Turns of each route.</param>
/// <param name="Mode">Eager, in graphs, or both.</param>
/// <param name="Timeout">For all of it.</param>
/// <param name="Svg">Where the curves go.</param>
internal sealed record RouteOptions(bool Tunes, int Rounds, RouteMode Mode, TimeSpan Timeout, FileInfo? Svg)
{
    /// <summary>Checked calls of a route and size, where nobody says how many: twice both halves of the peer memory.</summary>
    internal const int Checks = 4;

    internal static AllReduceTunerOptions For(PerfOptions options)
    {
        RouteOptions own = options.Routes!;
        if (options.Collective != CollectiveKind.AllReduce)
            throw new PerfException($"--compare {CommandLine.NameOf(options.Collective)}: routes are of all-reduces.");
        if (options.Route is { } route)
            throw new PerfException($"--compare --route {route}: all routes are measured; one alone without --compare.");
        if (options.Registration is not null || options.Replays > 0 || options.Operations is not [Operation.Sum])
            throw new PerfException("--compare measures sums of plain buffers, eager and in graphs (--mode): without -R, -G and -o.");
        if (options.StepFactor < 2 || options.MinBytes < 8)
            throw new PerfException($"--compare -b {options.MinBytes} -f {options.StepFactor}: sizes from 8 bytes, by factors.");
        return new AllReduceTunerOptions
        {
            Types = options.Types,
            MinBytes = options.MinBytes,
            MaxBytes = options.MaxBytes,
            Factor = options.StepFactor,
            Rounds = own.Rounds,
            Calls = options.Iterations,
            Eager = own.Mode != RouteMode.Captured,
            Captured = own.Mode != RouteMode.Eager,
            Timeout = own.Timeout,
        };
    }
}
