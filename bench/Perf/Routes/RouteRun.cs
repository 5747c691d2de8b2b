using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.Routes;

/// <summary>perf all-reduce --compare, and perf tune: one rank's part. Rank 0 prints.</summary>
internal sealed class RouteRun(Setting setting)
{
    private static readonly JsonSerializerOptions s_layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly GroupCoordinator _group = setting.Group;

    /// <summary>0 if every route that was checked was right.</summary>
    internal async Task<int> ExecuteAsync(CancellationToken cancellationToken)
    {
        AllReduceTunerOptions options = RouteOptions.For(setting.Options);
        RouteTable? table = _group.Rank == 0 ? new RouteTable(setting, options) : null;
        table?.PrintHeader();
        DateTimeOffset started = DateTimeOffset.UtcNow;
        Func<CudaStream, IAllReduceCheck>? check = setting.Options.Checks > 0 ? stream => new RouteCheck(_group, stream, setting.Options.Checks) : null;
        IReadOnlyList<AllReduceTiming> rows;
        if (setting.Options.Routes!.Tunes)
        {
            AllReduceTunerResult result = await _group.TuneAllReduceAsync(options, table, check, cancellationToken);
            rows = result.Timings;
            if (table is not null)
                RouteTable.PrintBands(result);
        }
        else
            rows = _group.MeasureAllReduce(options, table, check, cancellationToken);
        int code = rows.Sum(row => row.Routes.Sum(route => route.Wrong ?? 0)) == 0 ? 0 : 1;
        if (table is null)
            return code;
        RouteTable.PrintFooter(rows);
        if (setting.Options.Json is { } json)
            await File.WriteAllTextAsync(json.FullName, ToJson(rows, options, started).ToJsonString(s_layout) + "\n", cancellationToken);
        if (setting.Options.Routes.Svg is { } svg)
            await File.WriteAllTextAsync(svg.FullName, RouteChart.Write(rows, $"{_group.WorldSize} × {_group.Device?.Name ?? "host"}"), cancellationToken);
        return code;
    }

    private JsonObject ToJson(IReadOnlyList<AllReduceTiming> rows, AllReduceTunerOptions options, DateTimeOffset started) => new()
    {
        ["tool"] = "CollectivesSharp.Perf",
        ["version"] = Machine.Version,
        ["framework"] = Machine.Framework,
        ["start_time"] = started.ToString("o", CultureInfo.InvariantCulture),
        ["end_time"] = DateTimeOffset.UtcNow.ToString("o", CultureInfo.InvariantCulture),
        ["transport"] = setting.Library,
        ["nccl_nvls_enable"] = Setting.Nvls,
        ["ranks"] = _group.WorldSize,
        ["processes"] = _group.Members.Select(member => (member.NodeId, member.ProcessId)).Distinct().Count(),
        ["devices"] = new JsonArray([.. _group.Members.Select(member => JsonValue.Create(member.Device?.Name))]),
        ["table"] = _group.AllReduceTuningNote,
        ["rounds"] = options.Rounds,
        ["calls"] = options.Calls,
        ["checked_calls"] = setting.Options.Checks,
        ["results"] = new JsonArray([.. rows.Select(row => new JsonObject
        {
            ["size"] = (ulong)row.Bytes,
            ["type"] = row.Type.NcclName(),
            ["captured"] = row.IsCaptured,
            ["best"] = row.Best?.Route.ToString(),
            ["router"] = row.Choice.ToString(),
            ["router_over_best"] = row.Distance is { } distance ? Math.Round(distance, 4) : null,
            ["microseconds"] = Each(row, route => Rounded(route.Microseconds), all: true),
            ["lower_quartile"] = Each(row, route => Rounded(route.LowerQuartile)),
            ["upper_quartile"] = Each(row, route => Rounded(route.UpperQuartile)),
            ["wrong"] = Each(row, route => route.Wrong),
            ["objections"] = Each(row, route => route.Objection),
        })]),
    };

    /// <param name="row">A size.</param>
    /// <param name="value">Of one route.</param>
    /// <param name="all">Also those that have none.</param>
    private static JsonObject Each(AllReduceTiming row, Func<RouteTiming, JsonNode?> value, bool all = false) =>
        new(row.Routes.Select(route => KeyValuePair.Create(route.Route.ToString(), value(route))).Where(item => all || item.Value is not null));

    private static double? Rounded(double? time) => time is { } some ? Math.Round(some, 3) : null;
}
