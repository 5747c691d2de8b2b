using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>When the router takes the kernel whose results go straight into registered memory.</summary>
public sealed class RegisteredRouteTests
{
    private static readonly AllReduceFacts s_facts = new(2, null, null, 32 << 20, null);
    private static readonly AllReduceRequest s_request = new(32 << 20, DataType.BFloat16, ReduceOp.Sum) { IsRegistered = true };

    [Fact]
    public void The_built_in_table_takes_it_where_it_was_measured_and_leaves_the_rest_to_who_asks_or_measures()
    {
        Assert.Equal(AllReduceRoute.Registered, AllReduceRouter.Route(s_request, s_facts).Route);
        Assert.Equal(AllReduceRoute.Registered, AllReduceRouter.Route(s_request with { Count = (4 << 20) + 1 }, s_facts).Route);
        Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(s_request with { Count = 4 << 20 }, s_facts).Route);
        Assert.NotEqual(AllReduceRoute.Registered, AllReduceRouter.Route(s_request with { Type = DataType.Int32 }, s_facts).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(s_request with { IsRegistered = false }, s_facts).Route);
        Assert.NotEqual(AllReduceRoute.Registered, AllReduceRouter.Route(s_request, s_facts with { WorldSize = 4 }).Route);
        Assert.Null(AllReduceRouter.Objection(AllReduceRoute.Registered, s_request, s_facts with { CopyEngineObjection = "ranks 0, 1 share a GPU", Policy = AllReducePolicy.Deterministic }));
        Assert.Contains("AllocateRegisteredAsync", AllReduceRouter.Objection(AllReduceRoute.Registered, s_request with { IsRegistered = false }, s_facts), StringComparison.Ordinal);
        Assert.Equal("no peers", AllReduceRouter.Objection(AllReduceRoute.Registered, s_request, s_facts with { PeerObjection = "no peers" }));
    }

    [Fact]
    public void Forced_it_is_taken_at_every_size_that_a_ring_fits_for()
    {
        AllReduceFacts forced = s_facts with { Forced = AllReduceRoute.Registered };
        Assert.Equal(AllReduceRoute.Registered, AllReduceRouter.Route(s_request, forced).Route);
        Assert.Equal(AllReduceRoute.Registered, AllReduceRouter.Route(s_request with { Count = 1 }, forced with { HalfBytes = 4096 }).Route);
        Assert.NotEqual(AllReduceRoute.Registered, AllReduceRouter.Route(s_request with { Count = 1 }, forced with { HalfBytes = 4095 }).Route);
        Assert.NotEqual(AllReduceRoute.Registered, AllReduceRouter.Route(s_request with { IsRegistered = false }, forced).Route);
    }

    [Fact]
    public void Its_grid_is_twice_as_large_where_memory_is_the_limit()
    {
        Assert.Equal(new PeerLaunch(2, 32), PeerLaunch.ForWindow(PeerLaunch.RegisteredRings, 1 << 24, 8, 132, 32 << 10));
        Assert.Equal(new PeerLaunch(1, 32), PeerLaunch.ForWindow(PeerLaunch.WindowedRings, 1 << 24, 8, 132, 32 << 10));
    }

    [Fact]
    public void What_was_measured_of_both_registered_routes_makes_one_table()
    {
        AllReduceTuning tuning = AllReduceTuning.Of(2, [Row(1 << 20, 10, null, 8), Row(1 << 24, 100, 80, 90)]);
        Assert.Equal(2, tuning.Tables.Count);
        AllReduceRequest request = new(1 << 18, DataType.Float32, ReduceOp.Sum);
        Assert.Equal(AllReduceRoute.Windowed, tuning.Find(request));
        Assert.Equal(AllReduceRoute.Registered, tuning.Find(request with { IsRegistered = true }));
        Assert.Equal(AllReduceRoute.CopyEngine, tuning.Find(request with { Count = 1 << 22, IsRegistered = true }));
    }

    private static AllReduceTiming Row(nuint bytes, double windowed, double? copyEngine, double registered) => new(bytes, DataType.Float32, false, AllReduceRoute.Windowed,
        [new(AllReduceRoute.Windowed, windowed, null), new(AllReduceRoute.CopyEngine, copyEngine, copyEngine is null ? "ranks 0, 1 share a GPU" : null), new(AllReduceRoute.Registered, registered, null)]);
}
