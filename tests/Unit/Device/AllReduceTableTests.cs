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
        internal double Best => Times.Values.Min();

        internal IEnumerable<double> Own => Times.Where(time => AllReduceRouter.KeepsRankOrder(time.Key)).Select(time => time.Value);
    }

    [Theory]
    [InlineData("all-reduce-routes.json")]
    public void The_choice_at_each_measured_size_is_within_3_percent_of_the_best(string file)
    {
        using JsonDocument results = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "results", file)));
        int ranks = results.RootElement.GetProperty("ranks").GetInt32();
        Row[] rows = [.. results.RootElement.GetProperty("results").EnumerateArray().Select(Read)];
        Assert.True(rows.Length >= 2 * 20, "every power of two from 1 KiB to 512 MiB, eager and captured");
        (AllReduceFacts facts, double noise) = (new(ranks, null, null, 31 << 20, null), HostNoise(rows));
        foreach (Row row in rows)
        {
            AllReduceRoute choice = AllReduceRouter.Route(new(row.Bytes / 2, DataType.BFloat16, ReduceOp.Sum) { IsCaptured = row.IsCaptured }, facts).Route;
            double off = (row.Times[choice] / row.Best) - 1, most = !row.IsCaptured && WaitsForHost(rows, row.Bytes) ? Math.Max(noise, MostOff) : MostOff;
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
            AllReduceBand[] bands = AllReduceTable.For(ranks, type);
            Assert.Equal(bands.Select(band => band.UpTo).Distinct().Order(), bands.Select(band => band.UpTo));
            Assert.Equal(nuint.MaxValue, bands[^1].UpTo);
            Assert.All(bands.Zip(bands.Skip(1)), pair => Assert.NotEqual(pair.First.Route, pair.Second.Route));
        }
    }

    private static Row Read(JsonElement row)
    {
        Assert.Equal("bfloat16", row.GetProperty("type").GetString());
        return new((nuint)row.GetProperty("size").GetUInt64(), row.GetProperty("captured").GetBoolean(), row.GetProperty("microseconds").EnumerateObject()
            .Where(time => time.Value.ValueKind == JsonValueKind.Number).ToDictionary(time => Enum.Parse<AllReduceRoute>(time.Name), time => time.Value.GetDouble()));
    }

    /// <summary>The device is done with any of our kernels, which graphs show, before the host has launched the next one: then times are the host's, whatever the route.</summary>
    private static bool WaitsForHost(Row[] rows, nuint bytes) => Find(rows, bytes, true).Own.Max() < 0.95 * Find(rows, bytes, false).Best;

    /// <summary>Where all wait for the host: by how much one route's median falls from one size to the next larger one, at most. Nothing but noise makes a longer message faster.</summary>
    private static double HostNoise(Row[] rows)
    {
        Row[] waiting = [.. rows.Where(row => !row.IsCaptured && WaitsForHost(rows, row.Bytes)).OrderBy(row => row.Bytes)];
        Assert.NotEmpty(waiting);
        return waiting.Zip(waiting.Skip(1)).SelectMany(pair => pair.First.Times.Where(time => AllReduceRouter.KeepsRankOrder(time.Key)).Select(time => (time.Value / pair.Second.Times[time.Key]) - 1)).Max();
    }

    private static Row Find(Row[] rows, nuint bytes, bool captured) => rows.Single(row => row.Bytes == bytes && row.IsCaptured == captured);
}
