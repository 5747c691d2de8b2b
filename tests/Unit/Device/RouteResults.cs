using System.Text.Json;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>What bench/results holds of routes.</summary>
internal static class RouteResults
{
    /// <summary>Every power of two from 1 KiB to 512 MiB, eager and captured.</summary>
    internal static (int Ranks, AllReduceTiming[] Rows) Read(string file)
    {
        using JsonDocument results = Open(file);
        AllReduceTiming[] rows = [.. results.RootElement.GetProperty("results").EnumerateArray().Select(RowOf)];
        Assert.True(rows.Length >= 2 * 20, "every power of two from 1 KiB to 512 MiB, eager and captured");
        return (results.RootElement.GetProperty("ranks").GetInt32(), rows);
    }

    internal static JsonDocument Open(string file) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "results", file)));

    private static AllReduceTiming RowOf(JsonElement row)
    {
        Assert.Equal("bfloat16", row.GetProperty("type").GetString());
        return new((nuint)row.GetProperty("size").GetUInt64(), DataType.BFloat16, row.GetProperty("captured").GetBoolean(), Enum.Parse<AllReduceRoute>(row.GetProperty("router").GetString()!),
            [.. row.GetProperty("microseconds").EnumerateObject().Select(time => new RouteTiming(Enum.Parse<AllReduceRoute>(time.Name), time.Value.ValueKind == JsonValueKind.Number ? time.Value.GetDouble() : null, null))]);
    }
}
