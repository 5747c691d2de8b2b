using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>Which routes follow from eager times that are the host's.</summary>
public sealed class AllReduceBandMakerTests
{
    private const nuint MiB = 1 << 20;

    /// <summary>Eager, up to 512 KiB all of our routes take what the host does, 4.7 to 5.3 µs there.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Eager_calls_go_by_what_the_device_says_where_it_waits_for_the_host(bool isRegistered)
    {
        (int ranks, AllReduceTiming[] rows) = RouteResults.Read("all-reduce-routes.json");
        AllReduceTuning tuning = AllReduceTuning.Of(ranks, rows);
        AllReduceBands eager = tuning.Tables.Single(table => !table.IsCaptured && !table.IsSymmetric && table.IsRegistered == isRegistered);
        AllReduceBands captured = tuning.Tables.Single(table => table.IsCaptured && !table.IsSymmetric && table.IsRegistered == isRegistered);
        AllReduceBand[] shortest = [new(1 * MiB, AllReduceRoute.OneShot), new(4 * MiB, AllReduceRoute.Windowed), new(8 * MiB, AllReduceRoute.TwoShot)];
        Assert.Equal([.. shortest, .. isRegistered ? (AllReduceBand[])[new(64 * MiB, AllReduceRoute.Registered), new(512 * MiB, AllReduceRoute.CopyEngine)] : [new(512 * MiB, AllReduceRoute.Windowed)]], eager.Bands);
        Assert.Equal(captured.Bands, eager.Bands);
        int waiting = 0;
        foreach (AllReduceTiming row in rows.Where(row => !row.IsCaptured))
        {
            AllReduceTiming graph = rows.Single(other => other.IsCaptured && other.Bytes == row.Bytes);
            AllReduceRoute route = AllReduceBands.Find(eager.Bands, row.Bytes)!.Value;
            if (graph.Find(route)!.Microseconds < 0.9 * row.Find(route)!.Microseconds)
            {
                waiting++;
                Assert.True(graph.Find(route)!.Microseconds <= 1.03 * graph.BestOf(isSymmetric: false, isRegistered)!.Microseconds, $"{row.Bytes} bytes: {route}");
            }

            Assert.False(tuning.DependsOnCapture(new(row.Bytes / 2, DataType.BFloat16, ReduceOp.Sum) { IsRegistered = isRegistered }));
        }

        Assert.True(waiting >= 10, "up to 512 KiB");
    }

    [Fact]
    public void Without_graphs_what_differs_by_the_hosts_noise_makes_one_band()
    {
        (int ranks, AllReduceTiming[] rows) = RouteResults.Read("all-reduce-routes.json");
        AllReduceTuning tuning = AllReduceTuning.Of(ranks, [.. rows.Where(row => !row.IsCaptured)]);
        IReadOnlyList<AllReduceBand> bands = tuning.Tables.Single(table => !table.IsSymmetric && !table.IsRegistered).Bands;
        Assert.Equal(new AllReduceBand(1 * MiB, AllReduceRoute.OneShot), bands[0]);
        Assert.All(rows.Where(row => !row.IsCaptured && row.Bytes > 1 * MiB), row =>
            Assert.True(row.Find(AllReduceBands.Find(bands, row.Bytes)!.Value)!.Microseconds <= 1.015 * row.BestOf(isSymmetric: false, isRegistered: false)!.Microseconds, $"{row.Bytes} bytes"));
    }

    [Fact]
    public void What_costs_the_host_more_is_not_taken_for_its_time_on_the_device()
    {
        AllReduceTuning tuning = AllReduceTuning.Of(2, [Row(1024, false, 5, 5.2, 12), Row(1024, true, 4, 3, 2)]);
        AllReduceRequest request = new(256, DataType.Float32, ReduceOp.Sum);
        Assert.Equal(AllReduceRoute.TwoShot, tuning.Find(request));
        Assert.Equal(AllReduceRoute.Nccl, tuning.Find(request with { IsCaptured = true }));
    }

    [Fact]
    public void Where_the_device_is_the_slower_one_eager_times_count()
    {
        AllReduceTuning tuning = AllReduceTuning.Of(2, [Row(1 << 22, false, 20, 19, 30), Row(1 << 22, true, 18.5, 18.9, 30)]);
        AllReduceRequest request = new(1 << 20, DataType.Float32, ReduceOp.Sum);
        Assert.Equal(AllReduceRoute.TwoShot, tuning.Find(request));
        Assert.Equal(AllReduceRoute.OneShot, tuning.Find(request with { IsCaptured = true }));
    }

    /// <summary>A host whose times fall by a third from one size to the next: what is a quarter slower there is no slower.</summary>
    [Fact]
    public void The_noise_is_that_of_the_host_at_hand()
    {
        AllReduceTuning tuning = AllReduceTuning.Of(2, [Row(1024, false, 9, 9, 20), Row(2048, false, 7.5, 6, 20), Row(1024, true, 2, 3, 5), Row(2048, true, 2, 3, 5)]);
        Assert.Equal([new(2048, AllReduceRoute.OneShot)], tuning.Tables.Single(table => !table.IsCaptured).Bands);
    }

    [Fact]
    public void A_route_whose_sums_were_wrong_in_graphs_is_not_taken_by_its_time_there()
    {
        AllReduceTiming graph = Row(1024, true, 2, 3, 5);
        graph = graph with { Routes = [graph.Routes[0] with { Wrong = 1 }, .. graph.Routes.Skip(1)] };
        AllReduceTuning tuning = AllReduceTuning.Of(2, [Row(1024, false, 5.1, 5, 12), graph]);
        Assert.Equal(AllReduceRoute.TwoShot, tuning.Find(new(256, DataType.Float32, ReduceOp.Sum)));
    }

    private static AllReduceTiming Row(nuint bytes, bool isCaptured, double oneShot, double twoShot, double nccl) => new(bytes, DataType.Float32, isCaptured, AllReduceRoute.Nccl,
        [new(AllReduceRoute.OneShot, oneShot, null), new(AllReduceRoute.TwoShot, twoShot, null), new(AllReduceRoute.Nccl, nccl, null)]);
}
