using System.Text.Json;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>The built-in table against the times that it is made from.</summary>
public sealed class AllReduceTableTests
{
    private const double MostOff = 0.03;

    private sealed record Row(nuint Bytes, bool IsCaptured, Dictionary<AllReduceRoute, double> Times)
    {
        /// <summary>Of plain buffers, or with the routes into registered memory.</summary>
        internal AllReduceRoute Best(bool isRegistered) => Times.Where(time => time.Key is not (AllReduceRoute.NcclSymmetric or AllReduceRoute.CopyEngine or AllReduceRoute.Registered) ||
            (isRegistered && time.Key != AllReduceRoute.NcclSymmetric)).MinBy(time => time.Value).Key;
    }

    [Theory]
    [InlineData("all-reduce-routes.json", false)]
    [InlineData("all-reduce-routes.json", true)]
    public void The_choice_at_each_measured_size_is_within_3_percent_of_the_best(string file, bool isRegistered)
    {
        using JsonDocument results = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "results", file)));
        int ranks = results.RootElement.GetProperty("ranks").GetInt32();
        Row[] rows = [.. results.RootElement.GetProperty("results").EnumerateArray().Select(Read)];
        Assert.True(rows.Length >= 2 * 20, "every power of two from 1 KiB to 512 MiB, eager and captured");
        (AllReduceFacts facts, double noise) = (new(ranks, null, null, 31 << 20, null), HostNoise(rows));
        foreach (Row row in rows)
        {
            AllReduceRoute choice = AllReduceRouter.Route(new(row.Bytes / 2, DataType.BFloat16, ReduceOp.Sum) { IsCaptured = row.IsCaptured, IsRegistered = isRegistered }, facts).Route, best = row.Best(isRegistered);
            bool isHosts = !row.IsCaptured && WaitsForHost(rows, row.Bytes, choice) && WaitsForHost(rows, row.Bytes, best);
            double off = (row.Times[choice] / row.Times[best]) - 1, most = isHosts ? Math.Max(noise, MostOff) : MostOff;
            Assert.True(off <= most, $"{row.Bytes} bytes, {(row.IsCaptured ? "captured" : "eager")}: {choice} is off by {off:0.0%}, {most:0.0%} at most: {string.Join(", ", row.Times)}");
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Bands_ascend_up_to_all_sizes(int ranks)
    {
        foreach (DataType type in PeerKernelVariant.Types)
        {
            foreach ((bool isRegistered, bool hasCopyEngines) in ((bool, bool)[])[(false, false), (true, false), (true, true)])
            {
                AllReduceBand[] bands = AllReduceTable.For(ranks, type, isRegistered, hasCopyEngines);
                Assert.Equal(bands.Select(band => band.UpTo).Distinct().Order(), bands.Select(band => band.UpTo));
                Assert.Equal(nuint.MaxValue, bands[^1].UpTo);
                Assert.All(bands.Zip(bands.Skip(1)), pair => Assert.NotEqual(pair.First.Route, pair.Second.Route));
            }
        }
    }

    private static Row Read(JsonElement row)
    {
        Assert.Equal("bfloat16", row.GetProperty("type").GetString());
        return new((nuint)row.GetProperty("size").GetUInt64(), row.GetProperty("captured").GetBoolean(), row.GetProperty("microseconds").EnumerateObject()
            .Where(time => time.Value.ValueKind == JsonValueKind.Number).ToDictionary(time => Enum.Parse<AllReduceRoute>(time.Name), time => time.Value.GetDouble()));
    }

    /// <summary>A graph shows that the device needs less time than an eager call takes: the rest it waits for the next launch, and the eager time is the host's, whatever the route.</summary>
    private static bool WaitsForHost(Row[] rows, nuint bytes, AllReduceRoute route) =>
        AllReduceRouter.KeepsRankOrder(route) && Find(rows, bytes, true).Times.TryGetValue(route, out double captured) && captured < 0.9 * Find(rows, bytes, false).Times[route];

    /// <summary>Where the device waits for the host: by how much a route's median falls from one size to the next larger one, at most. Nothing but noise makes a longer message faster.</summary>
    private static double HostNoise(Row[] rows)
    {
        Row[] eager = [.. rows.Where(row => !row.IsCaptured).OrderBy(row => row.Bytes)];
        return eager.Zip(eager.Skip(1)).SelectMany(pair => pair.First.Times.Keys
            .Where(route => WaitsForHost(rows, pair.First.Bytes, route) && WaitsForHost(rows, pair.Second.Bytes, route))
            .Select(route => (pair.First.Times[route] / pair.Second.Times[route]) - 1)).Max();
    }

    private static Row Find(Row[] rows, nuint bytes, bool captured) => rows.Single(row => row.Bytes == bytes && row.IsCaptured == captured);
}
