using System.Text.Json;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>The built-in table against the times that it is made from.</summary>
public sealed class AllReduceTableTests
{
    private const double MostOff = 0.03;

    /// <summary>Of eager medians where the device waits for the host, at least: AllReduceBandMaker.</summary>
    private const double HostNoise = 0.1;
    private const string File = "all-reduce-routes.json";

    /// <summary>Eager, up to 512 KiB, within the host's noise.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_choice_at_each_measured_size_is_within_3_percent_of_the_best(bool isRegistered)
    {
        (int ranks, AllReduceTiming[] rows) = RouteResults.Read(File);
        AllReduceFacts facts = new(ranks, null, null, 31 << 20, null);
        foreach (AllReduceTiming row in rows)
        {
            AllReduceRoute choice = Choose(row, facts, isRegistered), best = row.BestOf(isSymmetric: false, isRegistered)!.Route;
            bool isHosts = !row.IsCaptured && row.Bytes <= 512 << 10 && WaitsForHost(rows, row.Bytes, choice) && WaitsForHost(rows, row.Bytes, best);
            double off = (Time(row, choice) / Time(row, best)) - 1, most = isHosts ? HostNoise : MostOff;
            Assert.True(off <= most, $"{row.Bytes} bytes, {(row.IsCaptured ? "captured" : "eager")}: {choice} is off by {off:0.0%}, {most:0.0%} at most: {string.Join(", ", row.Routes)}");
        }
    }

    /// <summary>By turns with another run of bench/Perf; here against the run that the table is made from.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_choice_at_each_measured_size_is_no_more_than_3_percent_slower_than_torchs_kernels(bool isRegistered)
    {
        (int ranks, AllReduceTiming[] rows) = RouteResults.Read(File);
        using JsonDocument torch = RouteResults.Open("all-reduce-torch.json");
        JsonElement[] theirs = [.. torch.RootElement.GetProperty("rows").EnumerateArray()];
        Assert.Equal(rows.Where(row => row.IsCaptured).Select(row => (ulong)row.Bytes), theirs.Select(row => row.GetProperty("size").GetUInt64()));
        foreach ((AllReduceTiming row, JsonElement their) in rows.Where(row => row.IsCaptured).Zip(theirs))
        {
            double best = Math.Min(their.GetProperty("torch_one_shot_us").GetDouble(), their.GetProperty("torch_two_shot_us").GetDouble());
            double own = Time(row, Choose(row, new(ranks, null, null, 31 << 20, null), isRegistered));
            Assert.True(own <= best * (1 + MostOff), $"{row.Bytes} bytes: {own} µs, torch {best}");
        }
    }

    [Fact]
    public void What_the_table_calls_measured_is_what_the_file_holds()
    {
        (int ranks, AllReduceTiming[] rows) = RouteResults.Read(File);
        foreach (bool isRegistered in (ReadOnlySpan<bool>)[false, true])
        {
            AllReduceTable table = AllReduceTable.For(new(ranks, null, null, 31 << 20, null), DataType.BFloat16, isRegistered, hasNccl: true);
            Assert.Null(table.Doubt);
            Assert.Equal(AllReduceRouter.Routes.Order(), table.Measured.Select(band => band.Route).Order());
            Assert.All(table.Measured, band => Assert.Equal(rows.Where(row => row.Find(band.Route)?.Microseconds is not null).Max(row => row.Bytes), band.UpTo));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Bands_ascend_up_to_all_sizes_and_a_table_that_was_not_measured_says_so(int ranks)
    {
        foreach (DataType type in PeerKernelVariant.Types)
        {
            foreach ((bool isRegistered, string? noCopyEngines, bool hasNccl) in ((bool, string?, bool)[])[(false, null, true), (true, "shared", true), (true, null, true), (false, null, false)])
            {
                foreach (PeerHardwareKind kind in Enum.GetValues<PeerHardwareKind>())
                {
                    AllReduceFacts facts = new(ranks, null, null, 31 << 20, null) { CopyEngineObjection = noCopyEngines, Hardware = new(kind, "doubt") };
                    AllReduceTable table = AllReduceTable.For(facts, type, isRegistered, hasNccl);
                    AllReduceBand[] bands = table.Bands;
                    Assert.Equal(bands.Select(band => band.UpTo).Distinct().Order(), bands.Select(band => band.UpTo));
                    Assert.Equal(nuint.MaxValue, bands[^1].UpTo);
                    Assert.All(bands.Zip(bands.Skip(1)), pair => Assert.NotEqual(pair.First.Route, pair.Second.Route));
                    Assert.True(kind != PeerHardwareKind.Measured || table.Doubt is not null || (ranks == 2 && table.Measured.Length > 0));
                    Assert.True(kind == PeerHardwareKind.Measured || !bands.Any(band => band.Route is AllReduceRoute.CopyEngine or AllReduceRoute.Registered));
                }
            }
        }
    }

    private static AllReduceRoute Choose(AllReduceTiming row, AllReduceFacts facts, bool isRegistered) =>
        AllReduceRouter.Route(new(row.Bytes / 2, DataType.BFloat16, ReduceOp.Sum) { IsCaptured = row.IsCaptured, IsRegistered = isRegistered }, facts).Route;

    private static double Time(AllReduceTiming row, AllReduceRoute route) => row.Find(route)!.Microseconds!.Value;

    /// <summary>A graph shows that the device needs less time than an eager call takes: the rest it waits for the next launch, and the eager time is the host's, whatever the route.</summary>
    private static bool WaitsForHost(AllReduceTiming[] rows, nuint bytes, AllReduceRoute route) =>
        AllReduceRouter.KeepsRankOrder(route) && Find(rows, bytes, true).Find(route)?.Microseconds is { } captured && captured < 0.9 * Time(Find(rows, bytes, false), route);

    private static AllReduceTiming Find(AllReduceTiming[] rows, nuint bytes, bool captured) => rows.Single(row => row.Bytes == bytes && row.IsCaptured == captured);
}
