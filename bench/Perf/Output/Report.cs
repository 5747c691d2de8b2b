using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CollectivesSharp.Perf;

/// <summary>The run as JSON and CSV: versions, machine, flags and rows. Never the environment, which holds secrets.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions s_layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static void Write(Setting setting, IReadOnlyList<Row> rows, DateTimeOffset started)
    {
        if (setting.Options.Json is { } json)
            File.WriteAllText(json.FullName, ToJson(setting, rows, started).ToJsonString(s_layout) + "\n");
        if (setting.Options.Csv is { } csv)
            File.WriteAllLines(csv.FullName, ToCsv(setting, rows));
    }

    private static JsonObject ToJson(Setting setting, IReadOnlyList<Row> rows, DateTimeOffset started) => new()
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
        ["backend"] = setting.Backend,
        ["transport"] = setting.Library,
        ["library_path"] = setting.LibraryPath,
        ["route"] = setting.Route,
        ["registration"] = setting.Registration,
        ["graph"] = setting.Options.Replays,
        ["nccl_nvls_enable"] = Setting.Nvls,
        ["cuda_driver"] = setting.OnDevice ? Machine.CudaDriver : null,
        ["ranks"] = setting.Group.WorldSize,
        ["nodes"] = setting.Group.NodeCount,
        ["devices"] = new JsonArray([.. setting.Group.Members.Select(member => ToJson(member, setting.OnDevice))]),
        ["processes"] = setting.Group.Members.Select(member => (member.NodeId, member.ProcessId)).Distinct().Count(),
        ["flags"] = new JsonObject
        {
            ["collective"] = CommandLine.NameOf(setting.Options.Collective),
            ["minimum_bytes"] = setting.Options.MinBytes,
            ["maximum_bytes"] = setting.Options.MaxBytes,
            ["step_factor"] = setting.Options.StepFactor,
            ["step_bytes"] = setting.Options.StepBytes,
            ["iterations"] = setting.Options.Iterations,
            ["warmup_iterations"] = setting.Options.WarmupIterations,
            ["fresh"] = setting.Options.Fresh,
            ["group_memory"] = setting.Options.GroupMemory,
            ["validation"] = setting.Options.Checks,
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

    private static JsonObject ToJson(GroupMember member, bool onDevice) => new()
    {
        ["rank"] = member.Rank,
        ["pid"] = member.ProcessId,
        ["host"] = member.Host,
        ["device"] = onDevice ? member.Device?.Ordinal : null,
        ["pci_bus_id"] = onDevice ? member.Device?.PciBusId : null,
        ["name"] = onDevice ? member.Device?.Name : null,
    };

    private static JsonObject? ToJson(Measurement? measurement) => measurement is null ? null : new JsonObject
    {
        ["time"] = Math.Round(measurement.Time, 3),
        ["alg_bw"] = Math.Round(measurement.AlgorithmBandwidth, 4),
        ["bus_bw"] = Math.Round(measurement.BusBandwidth, 4),
        ["nwrong"] = measurement.Wrong,
    };

    private static IEnumerable<string> ToCsv(Setting setting, IReadOnlyList<Row> rows)
    {
        yield return "size,count,type,redop,root,in_place,time_us,algbw_GBps,busbw_GBps,wrong,backend,library,ranks,route,registration,graph,nccl_nvls_enable,fresh,group_memory";
        string where = string.Create(CultureInfo.InvariantCulture, $"{setting.Backend},{setting.Library},{setting.Group.WorldSize},{setting.Route},{setting.Registration},{setting.Options.Replays},{Setting.Nvls},{(setting.Options.Fresh ? 1 : 0)},{(setting.Options.GroupMemory ? 1 : 0)}");
        foreach (Row row in rows)
        {
            foreach ((int inPlace, Measurement? measurement) in new[] { (0, row.OutOfPlace), (1, row.InPlace) })
            {
                if (measurement is not null)
                    yield return string.Create(CultureInfo.InvariantCulture, $"{row.Bytes},{row.Count},{row.Type},{row.Operation},{row.Root},{inPlace},{measurement.Time:0.###},{measurement.AlgorithmBandwidth:0.####},{measurement.BusBandwidth:0.####},{measurement.Wrong},{where}");
            }
        }
    }
}
