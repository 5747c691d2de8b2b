using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CollectivesSharp.Interop;
using CollectivesSharp.Perf.Routes;

namespace CollectivesSharp.Perf;

/// <summary>The arguments: nccl-tests' flags where they exist, long names for what is our own.</summary>
internal static class CommandLine
{
    private static readonly string[] s_operations = ["sum", "prod", "max", "min", "avg", "mulsum"];

    private static readonly Dictionary<string, CollectiveKind> s_collectives = new(StringComparer.Ordinal)
    {
        ["all-reduce"] = CollectiveKind.AllReduce,
        ["reduce"] = CollectiveKind.Reduce,
        ["broadcast"] = CollectiveKind.Broadcast,
        ["all-gather"] = CollectiveKind.AllGather,
        ["reduce-scatter"] = CollectiveKind.ReduceScatter,
        ["gather"] = CollectiveKind.Gather,
        ["scatter"] = CollectiveKind.Scatter,
        ["all-to-all"] = CollectiveKind.AllToAll,
        ["send-receive"] = CollectiveKind.SendReceive,
        ["barrier"] = CollectiveKind.Barrier,
    };

    internal static string NameOf(CollectiveKind collective) => s_collectives.Single(item => item.Value == collective).Key;

    /// <summary>As nccl-tests prints it.</summary>
    internal static string NameOf(Operation op) => s_operations[(int)op];

    /// <summary>Parses, prints help or errors, and calls <paramref name="run"/>.</summary>
    internal static Task<int> InvokeAsync(string[] arguments, Func<PerfOptions, CancellationToken, Task<int>> run)
    {
        Argument<CollectiveKind> collective = new("collective")
        {
            Description = string.Join(" | ", s_collectives.Keys),
            CustomParser = result => Lookup<CollectiveKind>(result, text => s_collectives.TryGetValue(text.Replace('_', '-'), out CollectiveKind kind) ? kind : null, string.Join(", ", s_collectives.Keys)),
        };
        Option<long> min = Bytes("--minbytes", "-b", "smallest size (K, M, G)", 1 << 10);
        Option<long> max = Bytes("--maxbytes", "-e", "largest size (K, M, G)", 32 << 20);
        Option<long> step = Bytes("--stepbytes", "-i", "increment between sizes, where -f is 1", 1 << 20);
        Option<int> factor = Number("--stepfactor", "-f", "factor between sizes; 1: -i counts", 2, 1);
        Option<int> iterations = Number("--iters", "-n", "timed calls a row", 20, 1);
        Option<int> warmup = Number("--warmup_iters", "-w", "calls before them", 5, 0);
        Option<int> checks = Number("--check", "-c", "checked calls a row; 0: none (--compare, tune: of each route, 4 unless given)", 1, 0);
        Option<bool> fresh = new("--fresh") { Description = "host memory: write each call's input just before it and time the call by itself, after barriers; else calls go back to back over inputs that nobody writes" };
        Option<DataType[]> types = new("--datatype", "-d")
        {
            Description = "element type, or all",
            CustomParser = result => OneOrAll(result, Enum.GetValues<DataType>(), text => DataTypeExtensions.TryParse(text, out DataType type) ? type : null, type => type.NcclName()),
            DefaultValueFactory = _ => [DataType.Float32],
        };
        Option<Operation[]> operations = new("--op", "-o")
        {
            Description = string.Join(" | ", s_operations) + " | all",
            CustomParser = result => OneOrAll(result, Enum.GetValues<Operation>(), text => Array.IndexOf(s_operations, text) is >= 0 and var index ? (Operation)index : null, NameOf),
            DefaultValueFactory = _ => [Operation.Sum],
        };
        Option<int> root = new("--root", "-r")
        {
            Description = "root rank, or all",
            CustomParser = result => result.Tokens[0].Value == "all" ? -1 : Lookup<int>(result, text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null, "a rank, or all"),
            DefaultValueFactory = _ => 0,
        };
        Option<int?> ranks = new("--ngpus", "-g") { Description = "ranks to start: one a GPU; host ranks without one (default: every GPU, or 4 host ranks)" };
        Option<Backend> backend = new("--backend") { Description = "where the buffers lie", DefaultValueFactory = _ => Backend.Auto };
        Option<AllReduceRoute> route = new("--route")
        {
            Description = $"how all-reduces of device memory travel wherever they can: {RoutePreference.Names}: what is fastest (COLLECTIVES_ALLREDUCE_ROUTE too); copy-engine and registered take memory that all ranks have mapped, nccl-symmetric registers the buffers as -R 2",
            CustomParser = result => Lookup<AllReduceRoute>(result, RoutePreference.Find, RoutePreference.Names),
            DefaultValueFactory = _ => AllReduceRoute.None,
        };
        Option<LaunchMode> launch = new("--launch") { Description = "what ranks are, when no launcher started this program", DefaultValueFactory = _ => LaunchMode.Processes };
        Option<int> graph = Number("--cudagraph", "-G", "capture a row's timed calls into a graph and replay it so often; 0: no graph", 0, 0);
        Option<int> registration = new("--local_register", "-R")
        {
            Description = "register the buffers: 0 no, 1 ncclCommRegister, 2 symmetric windows",
            CustomParser = result => Lookup<int>(result, text => text is ['0' or '1' or '2'] ? text[0] - '0' : null, "0, 1 or 2"),
            DefaultValueFactory = _ => 0,
        };
        Option<bool> groupMemory = new("--group-memory") { Description = "host memory of AllocateHost, which the ranks of a node read from each other" };
        Option<FileInfo?> json = new("--json") { Description = "write the results to this file" };
        Option<FileInfo?> csv = new("--csv") { Description = "write the rows to this file" };

        Option<bool> compare = new("--compare") { Description = "all-reduce: every route in turn, beside each other" };
        Option<int> rounds = Number("--rounds", null, "--compare, tune: turns of each route; the median counts", 11, 1);
        Option<RouteMode> mode = new("--mode") { Description = "--compare, tune: how calls reach the device", DefaultValueFactory = _ => RouteMode.Both };
        Option<int> timeout = Number("--timeout", null, "--compare, tune: seconds for all of it", 300, 1);
        Option<FileInfo?> svg = new("--svg") { Description = "--compare, tune: draw the curves into this file" };

        RootCommand command = new("Bandwidth and latency of collectives, with the columns and definitions of nccl-tests.")
        {
            collective, min, max, step, factor, iterations, warmup, fresh, checks, types, operations, root, ranks, backend, route, launch, graph, registration, groupMemory, json, csv, compare, rounds, mode, timeout, svg,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            PerfOptions options = new()
            {
                Collective = parsed.GetRequiredValue(collective),
                MinBytes = parsed.GetValue(min),
                MaxBytes = parsed.GetResult(max) is { Implicit: true } ? Math.Max(parsed.GetValue(max), parsed.GetValue(min)) : parsed.GetValue(max),
                StepBytes = parsed.GetValue(step),
                StepFactor = parsed.GetResult(step) is { Implicit: false } && parsed.GetResult(factor) is { Implicit: true } ? 1 : parsed.GetValue(factor),
                Iterations = parsed.GetValue(iterations),
                WarmupIterations = parsed.GetValue(warmup),
                Fresh = parsed.GetValue(fresh),
                Checks = parsed.GetValue(compare) && parsed.GetResult(checks) is { Implicit: true } ? RouteOptions.Checks : parsed.GetValue(checks),
                Types = parsed.GetValue(types)!,
                Operations = parsed.GetValue(operations)!,
                Root = parsed.GetValue(root),
                Ranks = parsed.GetValue(ranks),
                Backend = parsed.GetValue(backend),
                Route = parsed.GetValue(route) is var way and not AllReduceRoute.None ? way : null,
                Launch = parsed.GetValue(launch),
                Replays = parsed.GetValue(graph),
                Registration = parsed.GetValue(registration) switch { 1 => RegistrationKind.Local, 2 => RegistrationKind.Symmetric, _ => parsed.GetValue(route) == AllReduceRoute.NcclSymmetric ? RegistrationKind.Symmetric : null },
                GroupMemory = parsed.GetValue(groupMemory),
                Json = parsed.GetValue(json),
                Csv = parsed.GetValue(csv),
                Routes = parsed.GetValue(compare) ? new RouteOptions(false, parsed.GetValue(rounds), parsed.GetValue(mode), TimeSpan.FromSeconds(parsed.GetValue(timeout)), parsed.GetValue(svg)) : null,
            };
            if (options is { Route: AllReduceRoute.NcclSymmetric, Registration: RegistrationKind.Local })
                throw new PerfException("--route nccl-symmetric -R 1: that route is of buffers in symmetric windows, -R 2.");
            if (options is { Fresh: true, Collective: CollectiveKind.Barrier })
                throw new PerfException("--fresh barrier: a barrier sends nothing that could be written before it.");
            if (options is { Fresh: true, Routes: not null })
                throw new PerfException("--fresh --compare: routes are of device memory and their calls go back to back; --fresh is for the table of host memory.");
            if (options.MinBytes > options.MaxBytes)
                throw new PerfException($"-b {options.MinBytes} is more than -e {options.MaxBytes}.");
            if (options.StepFactor == 1 && options.StepBytes < 1)
                throw new PerfException("With -f 1 the increment -i must be at least 1 byte.");
            if (options.Ranks is < 1)
                throw new PerfException($"-g {options.Ranks}: at least one rank.");
            return run(options, cancellationToken);
        });
        command.Add(Topology.TopologyCommand.Create());
        command.Add(RmsNorm.RmsNormCommand.Create());
        command.Add(TuneCommand.Create(min, max, factor, iterations, checks, types, ranks, launch, json, rounds, mode, timeout, svg, run));
        command.Add(ChartCommand.Create());
        return command.Parse(arguments).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    private static Option<long> Bytes(string name, string alias, string description, long value) => new(name, alias)
    {
        Description = description,
        CustomParser = result => Lookup<long>(result, ParseBytes, "a number of bytes, such as 8, 4K, 32M, 1G"),
        DefaultValueFactory = _ => value,
    };

    private static Option<int> Number(string name, string? alias, string description, int value, int least) => new(name, alias is null ? [] : [alias])
    {
        Description = description,
        CustomParser = result => Lookup<int>(result, text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least ? number : null, $"a number from {least}"),
        DefaultValueFactory = _ => value,
    };

    private static long? ParseBytes(string text)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        return long.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= long.MaxValue >> shift ? number << shift : null;
    }

    private static T[] OneOrAll<T>(ArgumentResult result, T[] all, Func<string, T?> parse, Func<T, string> name)
        where T : struct
        => result.Tokens[0].Value == "all" ? all : [Lookup(result, parse, $"{string.Join(", ", all.Select(name))}, all")];

    private static T Lookup<T>(ArgumentResult result, Func<string, T?> parse, string expected)
        where T : struct
    {
        string text = result.Tokens[0].Value;
        if (parse(text) is { } value)
            return value;
        string what = result.Parent is OptionResult option ? $"{option.IdentifierToken?.Value} {text}" : text;
        result.AddError($"'{what}': expected {expected}.");
        return default;
    }
}
