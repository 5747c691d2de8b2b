using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CollectivesSharp.Perf;

/// <summary>The run as JSON and CSV: versions, machine, flags and rows. Never the environment, which holds secrets.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions s_layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static void Write(PerfOptions options, GroupCoordinator group, IReadOnlyList<Row> rows, DateTimeOffset started)
    {
        if (options.Json is { } json)
            File.WriteAllText(json.FullName, ToJson(options, group, rows, started).ToJsonString(s_layout) + "\n");
        if (options.Csv is { } csv)
            File.WriteAllLines(csv.FullName, ToCsv(rows));
    }

    private static JsonObject ToJson(PerfOptions options, GroupCoordinator group, IReadOnlyList<Row> rows, DateTimeOffset started) => new()
    {
        ["tool"] = "CollectivesSharp.Perf",
        ["version"] = Machine.Version,
        ["framework"] = Machine.Framework,
        ["start_time"] = started.ToString("o", CultureInfo.InvariantCulture),
        ["end_time"] = DateTimeOffset.UtcNow.ToString("o", CultureInfo.InvariantCulture),
        ["machine"] = new JsonObject
        {
            ["processor"] = Machine.Processor,
            ["processors"] = Environment.ProcessorCount,
            ["operating_system"] = Machine.OperatingSystem,
        },
        ["backend"] = "host",
        ["transport"] = group.HostCommunicator?.Name,
        ["ranks"] = group.WorldSize,
        ["nodes"] = group.NodeCount,
        ["processes"] = group.Members.Select(member => (member.NodeId, member.ProcessId)).Distinct().Count(),
        ["flags"] = new JsonObject
        {
            ["collective"] = CommandLine.NameOf(options.Collective),
            ["minimum_bytes"] = options.MinBytes,
            ["maximum_bytes"] = options.MaxBytes,
            ["step_factor"] = options.StepFactor,
            ["step_bytes"] = options.StepBytes,
            ["iterations"] = options.Iterations,
            ["warmup_iterations"] = options.WarmupIterations,
            ["validation"] = options.Checks,
        },
        ["results"] = new JsonArray([.. rows.Select(row => new JsonObject
        {
            ["size"] = row.Bytes,
            ["count"] = row.Count,
            ["type"] = row.Type,
            ["redop"] = row.Operation,
            ["root"] = row.Root,
            ["out_of_place"] = ToJson(row.OutOfPlace),
            ["in_place"] = ToJson(row.InPlace),
        })]),
        ["average_bus_bandwidth"] = Table.AverageBusBandwidth(rows),
    };

    private static JsonObject? ToJson(Measurement? measurement) => measurement is null ? null : new JsonObject
    {
        ["time"] = Math.Round(measurement.Time, 3),
        ["alg_bw"] = Math.Round(measurement.AlgorithmBandwidth, 4),
        ["bus_bw"] = Math.Round(measurement.BusBandwidth, 4),
        ["nwrong"] = measurement.Wrong,
    };

    private static IEnumerable<string> ToCsv(IReadOnlyList<Row> rows)
    {
        yield return "size,count,type,redop,root,in_place,time_us,algbw_GBps,busbw_GBps,wrong";
        foreach (Row row in rows)
        {
            foreach ((int inPlace, Measurement? measurement) in new[] { (0, row.OutOfPlace), (1, row.InPlace) })
            {
                if (measurement is not null)
                    yield return string.Create(CultureInfo.InvariantCulture, $"{row.Bytes},{row.Count},{row.Type},{row.Operation},{row.Root},{inPlace},{measurement.Time:0.###},{measurement.AlgorithmBandwidth:0.####},{measurement.BusBandwidth:0.####},{measurement.Wrong}");
            }
        }
    }
}
