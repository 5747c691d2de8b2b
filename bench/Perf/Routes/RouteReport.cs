using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.Routes;

/// <summary>What --compare and tune measured, as the JSON that is kept.</summary>
internal static class RouteReport
{
    private static readonly JsonSerializerOptions s_layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static string Write(Setting setting, IReadOnlyList<AllReduceTiming> rows, AllReduceTunerOptions options, DateTimeOffset started) => new JsonObject
    {
        ["tool"] = "CollectivesSharp.Perf",
        ["version"] = Machine.Version,
        ["framework"] = Machine.Framework,
        ["start_time"] = started.ToString("o", CultureInfo.InvariantCulture),
        ["end_time"] = DateTimeOffset.UtcNow.ToString("o", CultureInfo.InvariantCulture),
        ["transport"] = setting.Library,
        ["nccl_nvls_enable"] = Setting.Nvls,
        ["ranks"] = setting.Group.WorldSize,
        ["processes"] = setting.Group.Members.Select(member => (member.NodeId, member.ProcessId)).Distinct().Count(),
        ["devices"] = new JsonArray([.. setting.Group.Members.Select(member => JsonValue.Create(member.Device?.Name))]),
        ["table"] = setting.Group.AllReduceTuningNote,
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
            ["router_plain"] = row.PlainChoice?.ToString(),
            ["router_plain_over_best"] = row.PlainDistance is { } plain ? Math.Round(plain, 4) : null,
            ["microseconds"] = Each(row, route => Rounded(route.Microseconds), all: true),
            ["lower_quartile"] = Each(row, route => Rounded(route.LowerQuartile)),
            ["upper_quartile"] = Each(row, route => Rounded(route.UpperQuartile)),
            ["wrong"] = Each(row, route => route.Wrong),
            ["objections"] = Each(row, route => route.Objection),
        })]),
    }.ToJsonString(s_layout) + "\n";

    /// <param name="row">A size.</param>
    /// <param name="value">Of one route.</param>
    /// <param name="all">Also those that have none.</param>
    private static JsonObject Each(AllReduceTiming row, Func<RouteTiming, JsonNode?> value, bool all = false) =>
        new(row.Routes.Select(route => KeyValuePair.Create(route.Route.ToString(), value(route))).Where(item => all || item.Value is not null));

    private static double? Rounded(double? time) => time is { } some ? Math.Round(some, 3) : null;

    /// <summary>The rows of a file that <see cref="Write"/> made, also before it wrote what plain buffers take, and what they were measured on.</summary>
    internal static (IReadOnlyList<AllReduceTiming> Rows, string Machine) Read(FileInfo file)
    {
        try
        {
            using JsonDocument report = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            AllReduceTiming[] rows = [.. report.RootElement.GetProperty("results").EnumerateArray().Select(RowOf)];
            JsonElement devices = report.RootElement.GetProperty("devices");
            return rows.Length > 0 ? (rows, MachineOf(report.RootElement.GetProperty("ranks").GetInt32(), devices[0].GetString())) : throw new PerfException($"{file.FullName} has no rows.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or IndexOutOfRangeException)
        {
            throw new PerfException($"{file.FullName} is no result of --compare or tune with --json: {e.Message}");
        }
    }

    internal static string MachineOf(int ranks, string? device) => $"{ranks} × {device ?? "host"}";

    private static AllReduceTiming RowOf(JsonElement row) => new(
        (nuint)row.GetProperty("size").GetUInt64(),
        DataTypeExtensions.TryParse(row.GetProperty("type").GetString()!, out DataType type) ? type : throw new FormatException($"type {row.GetProperty("type")}"),
        row.GetProperty("captured").GetBoolean(),
        Enum.Parse<AllReduceRoute>(row.GetProperty("router").GetString()!),
        [.. row.GetProperty("microseconds").EnumerateObject().Select(time => new RouteTiming(Enum.Parse<AllReduceRoute>(time.Name), time.Value.ValueKind == JsonValueKind.Null ? null : time.Value.GetDouble(), null))])
    {
        PlainChoice = row.TryGetProperty("router_plain", out JsonElement plain) && plain.ValueKind != JsonValueKind.Null ? Enum.Parse<AllReduceRoute>(plain.GetString()!) : null,
    };
}
