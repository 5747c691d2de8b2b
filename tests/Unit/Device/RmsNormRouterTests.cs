using System.Text.Json;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

public sealed class RmsNormRouterTests
{
    private static readonly AllReduceFacts s_facts = new(4, null, null, 32 << 20, null);

    [Theory]
    [InlineData(1, AllReduceRmsNormRoute.OneShot)]
    [InlineData(8, AllReduceRmsNormRoute.OneShot)]
    [InlineData(9, AllReduceRmsNormRoute.TwoShot)]
    [InlineData(256, AllReduceRmsNormRoute.TwoShot)]
    [InlineData(257, AllReduceRmsNormRoute.Separate)]
    public void The_bytes_decide(uint rows, AllReduceRmsNormRoute route) => Assert.Equal(route, RmsNormRouter.Route(rows, 8192, DataType.BFloat16, s_facts).Route);

    /// <summary>Within 3 % of the fastest of those that fit; beyond the largest size for which all three were measured two kernels, as without any measurement.</summary>
    [Fact]
    public void The_choice_of_two_ranks_follows_what_was_measured()
    {
        using JsonDocument results = RouteResults.Open("rms-norm.json");
        AllReduceFacts facts = s_facts with { WorldSize = results.RootElement.GetProperty("ranks").GetInt32() };
        uint columns = results.RootElement.GetProperty("hidden").GetUInt32(), last = 0;
        foreach (JsonElement row in results.RootElement.GetProperty("results").EnumerateArray())
        {
            if (row.GetProperty("two_shot_us").ValueKind == JsonValueKind.Null)
                continue;
            last = row.GetProperty("tokens").GetUInt32();
            Dictionary<AllReduceRmsNormRoute, double> times = new()
            {
                [AllReduceRmsNormRoute.Separate] = row.GetProperty("separate_us").GetDouble(),
                [AllReduceRmsNormRoute.OneShot] = row.GetProperty("one_shot_us").GetDouble(),
                [AllReduceRmsNormRoute.TwoShot] = row.GetProperty("two_shot_us").GetDouble(),
            };
            AllReduceRmsNormChoice choice = RmsNormRouter.Route(last, columns, DataType.BFloat16, facts);
            Assert.True(times[choice.Route] <= 1.03 * times.Values.Min(), $"{last} rows: {choice.Route}");
            Assert.DoesNotContain("nobody", choice.Reason, StringComparison.Ordinal);
        }

        Assert.Equal(512u, last);
        foreach (uint rows in (ReadOnlySpan<uint>)[last + 1, 2 * last, 4 * last, 8 * last])
        {
            AllReduceRmsNormChoice choice = RmsNormRouter.Route(rows, columns, DataType.BFloat16, facts);
            Assert.Equal(AllReduceRmsNormRoute.Separate, choice.Route);
            Assert.Contains("nobody has measured", choice.Reason, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(AllReduceRoute.OneShot, AllReduceRmsNormRoute.OneShot)]
    [InlineData(AllReduceRoute.TwoShot, AllReduceRmsNormRoute.TwoShot)]
    [InlineData(AllReduceRoute.Windowed, AllReduceRmsNormRoute.Separate)]
    [InlineData(AllReduceRoute.Nccl, AllReduceRmsNormRoute.Separate)]
    public void A_forced_route_of_the_all_reduces_counts(AllReduceRoute forced, AllReduceRmsNormRoute route) => Assert.Equal(route, RmsNormRouter.Route(64, 8192, DataType.BFloat16, s_facts with { Forced = forced }).Route);

    /// <summary>Cells of 16 bytes: a row of 9 bfloat16s takes two, four ranks' rows eight.</summary>
    [Fact]
    public void What_a_half_does_not_hold_takes_another_route()
    {
        AllReduceFacts tiny = s_facts with { HalfBytes = 2 * 16 * 4 };
        Assert.Equal(AllReduceRmsNormRoute.OneShot, RmsNormRouter.Route(1, 9, DataType.BFloat16, tiny).Route);
        Assert.Equal(AllReduceRmsNormRoute.Separate, RmsNormRouter.Route(2, 9, DataType.BFloat16, tiny).Route);
        Assert.Equal(AllReduceRmsNormRoute.TwoShot, RmsNormRouter.Route(4, 8, DataType.BFloat16, tiny).Route);
        Assert.Null(RmsNormRouter.Objection(AllReduceRmsNormRoute.OneShot, 1, 9, DataType.BFloat16, tiny));
        Assert.Contains("ArenaBytes", RmsNormRouter.Objection(AllReduceRmsNormRoute.TwoShot, 1, 9, DataType.BFloat16, tiny), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8192, DataType.BFloat16, 2, 1024)]
    [InlineData(8192, DataType.BFloat16, 8, 512)]
    [InlineData(9, DataType.BFloat16, 2, 32)]
    [InlineData(132, DataType.Float32, 4, 64)]
    public void A_rows_threads_follow_from_the_row_alone(uint columns, DataType type, int ranks, int threads)
    {
        Assert.Equal(new PeerLaunch(3, threads), RmsNormLaunch.ForOneShot(3, columns, type, ranks, 100, takesClusters: false));
        Assert.Equal(new PeerLaunch(100, threads), RmsNormLaunch.ForOneShot(1000, columns, type, ranks, 100, takesClusters: true));
        Assert.Equal(threads, RmsNormLaunch.ForTwoShot(3, columns, type, ranks, 100).Threads);
        Assert.Equal(threads, RmsNormLaunch.ForSeparate(3, columns, type, ranks).Threads);
        PeerLaunch spread = RmsNormLaunch.ForOneShot(3, columns, type, ranks, 100, takesClusters: true);
        Assert.Equal(threads, spread.Threads * spread.ClusterBlocks);
    }

    [Theory]
    [InlineData(1, 8192, 8)]
    [InlineData(16, 8192, 8)]
    [InlineData(17, 8192, 4)]
    [InlineData(33, 8192, 4)]
    [InlineData(34, 8192, 2)]
    [InlineData(66, 8192, 2)]
    [InlineData(67, 8192, 1)]
    [InlineData(1, 7168, 4)]
    [InlineData(1, 5120, 4)]
    [InlineData(1, 4096, 4)]
    [InlineData(1, 4104, 1)]
    [InlineData(1, 2048, 1)]
    public void Few_long_rows_are_spread_over_clusters_a_row_for_each(uint rows, uint columns, int blocks)
    {
        PeerLaunch shape = RmsNormLaunch.ForOneShot(rows, columns, DataType.BFloat16, 4, 132, takesClusters: true);
        Assert.Equal((blocks, (int)rows * blocks), (shape.ClusterBlocks, shape.Blocks));
        Assert.Equal(0, shape.Threads % 32);
    }

    [Fact]
    public void Memory_that_overlaps_is_refused_and_in_place_is_not()
    {
        AllReduceRmsNormOperands operands = new() { Input = 0x1000, Residual = 0x2000, Weight = 0x3000, Output = 0x1000, Rows = 2, Columns = 64, Type = DataType.Float32, Epsilon = 0 };
        operands.Check();
        Assert.Throws<ArgumentException>(() => (operands with { Output = 0x1004 }).Check());
        Assert.Throws<ArgumentException>(() => (operands with { Output = 0x2000 }).Check());
        Assert.Throws<ArgumentException>(() => (operands with { Weight = 0x21FC }).Check());
        Assert.Throws<ArgumentException>(() => (operands with { Scaling = Float8Scaling.Static, Scale = 0x4000 }).Check());
        Assert.Throws<ArgumentException>(() => (operands with { ResidualOutput = 0x2010 }).Check());
        Assert.Throws<NotSupportedException>(() => (operands with { Type = DataType.Int32 }).Check());
        Assert.Throws<ArgumentOutOfRangeException>(() => (operands with { Epsilon = float.NaN }).Check());
    }
}
