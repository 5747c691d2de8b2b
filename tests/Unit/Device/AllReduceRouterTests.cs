using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

public sealed class AllReduceRouterTests
{
    private static readonly AllReduceFacts s_both = new(4, null, null, 32 << 20, null);

    [Theory]
    [InlineData(DataType.BFloat16, ReduceOp.Sum, 1, AllReduceRoute.OneShot)]
    [InlineData(DataType.BFloat16, ReduceOp.Sum, 64 << 10, AllReduceRoute.OneShot)]
    [InlineData(DataType.BFloat16, ReduceOp.Sum, (64 << 10) + 1, AllReduceRoute.TwoShot)]
    [InlineData(DataType.Float32, ReduceOp.Average, 1 << 20, AllReduceRoute.TwoShot)]
    [InlineData(DataType.Float32, ReduceOp.Product, (1 << 20) + 1, AllReduceRoute.Windowed)]
    [InlineData(DataType.Float8E5M2, ReduceOp.Min, 128 << 20, AllReduceRoute.Windowed)]
    [InlineData(DataType.Float8E5M2, ReduceOp.Max, (128 << 20) + 1, AllReduceRoute.Nccl)]
    [InlineData(DataType.Float64, ReduceOp.Sum, 8 << 10, AllReduceRoute.OneShot)]
    [InlineData(DataType.Int32, ReduceOp.Max, 512 << 10, AllReduceRoute.TwoShot)]
    [InlineData(DataType.Int32, ReduceOp.Max, (512 << 10) + 1, AllReduceRoute.Nccl)]
    public void With_both_at_hand_size_and_type_decide(DataType type, ReduceOp op, uint count, AllReduceRoute route) => Assert.Equal(route, AllReduceRouter.Route(new(count, type, op), s_both).Route);

    [Fact]
    public void A_message_that_fills_the_memory_goes_by_the_window()
    {
        AllReduceFacts small = s_both with { HalfBytes = 1 << 20 };
        Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(new(1 << 17, DataType.Float32, ReduceOp.Sum), small).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(new((1 << 17) + 1, DataType.Float32, ReduceOp.Sum), small).Route);
    }

    [Fact]
    public void Memory_that_holds_no_ring_leaves_what_does_not_fit_to_NCCL()
    {
        AllReduceFacts tiny = s_both with { HalfBytes = 8 << 10 }, alone = tiny with { NcclObjection = "no libnccl." };
        Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(new(512, DataType.Float32, ReduceOp.Sum), tiny).Route);
        Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(new(1024, DataType.Float32, ReduceOp.Sum), tiny).Route);
        Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(new(1025, DataType.Float32, ReduceOp.Sum), tiny).Route);
        AllReduceChoice none = AllReduceRouter.Route(new(1025, DataType.Float32, ReduceOp.Sum), alone);
        Assert.Equal(AllReduceRoute.None, none.Route);
        Assert.Equal("NCCL: no libnccl. Our kernels: peer memory is too small, see GroupOptions.ArenaBytes.", none.Reason);
    }

    [Fact]
    public void What_is_forced_is_taken_wherever_it_can_be()
    {
        AllReduceFacts ours = s_both with { Forced = AllReduceRoute.OneShot }, nccl = s_both with { Forced = AllReduceRoute.Nccl }, window = s_both with { Forced = AllReduceRoute.Windowed };
        Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(new(1 << 20, DataType.BFloat16, ReduceOp.Sum), ours).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(new(1, DataType.Int64, ReduceOp.Sum), window).Route);
        Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(new(1, DataType.BFloat16, ReduceOp.Sum), nccl).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(new(8 << 20, DataType.BFloat16, ReduceOp.Sum), ours).Route);
    }

    [Fact]
    public void Between_symmetric_windows_NCCL_has_another_route_that_only_a_measurement_or_a_wish_takes()
    {
        AllReduceRequest window = new(1 << 20, DataType.BFloat16, ReduceOp.Sum) { IsSymmetric = true }, plain = window with { IsSymmetric = false };
        AllReduceFacts forced = s_both with { Forced = AllReduceRoute.NcclSymmetric }, alone = s_both with { PeerObjection = "no peers" };
        Assert.Equal(AllReduceRoute.NcclSymmetric, AllReduceRouter.Route(window, forced).Route);
        Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(plain, forced).Route);
        Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(window, s_both).Route);
        Assert.Equal(AllReduceRoute.NcclSymmetric, AllReduceRouter.Route(window, alone).Route);
        Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(plain, alone).Route);

        // Where the table has NCCL's ring.
        Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(plain with { Count = 1 << 28 }, s_both).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(window with { Count = 1 << 28 }, s_both).Route);

        // What NCCL has no such kernels for is its ring's there too.
        foreach (AllReduceRequest other in (AllReduceRequest[])[window with { Op = ReduceOp.Max }, window with { Type = DataType.Float64 }, window with { Type = DataType.Int8 }])
        {
            Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(other, alone).Route);
            Assert.Contains("up to 32 bits", AllReduceRouter.Objection(AllReduceRoute.NcclSymmetric, other, s_both), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_NCCL_gets_wrong_between_symmetric_windows_is_ours_or_nobodys()
    {
        AllReduceRequest odd = new(1 << 28, DataType.BFloat16, ReduceOp.Sum) { IsSymmetric = true, IsMisaligned = true };
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(odd, s_both).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(odd with { Op = ReduceOp.Max }, s_both).Route);
        AllReduceChoice none = AllReduceRouter.Route(odd, s_both with { PeerObjection = "no peers" });
        Assert.Equal(AllReduceRoute.None, none.Route);
        Assert.Contains("multiples of 4 bytes", none.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_route_has_a_name_to_ask_for_it()
    {
        string[] names = RoutePreference.Names.Replace(" or ", ", ", StringComparison.Ordinal).Split(", ");
        Assert.Equal([.. AllReduceRouter.Routes.Append(AllReduceRoute.None).Order()], names.Select(name => RoutePreference.Find(name)!.Value).Order());
        Assert.Null(RoutePreference.Find("ring"));
    }

    [Fact]
    public void Counts_beyond_all_memory_do_not_wrap_around()
    {
        foreach (DataType type in PeerKernelVariant.Types)
            Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(new(nuint.MaxValue, type, ReduceOp.Sum), s_both).Route);
    }

    [Fact]
    public void Deterministic_leaves_out_NCCL_at_every_size_and_says_why_where_nothing_is_left()
    {
        AllReduceFacts facts = s_both with { Policy = AllReducePolicy.Deterministic };
        foreach (DataType type in PeerKernelVariant.Types)
        {
            foreach (nuint count in (ReadOnlySpan<nuint>)[1, 1000, 1 << 20, 1 << 28, nuint.MaxValue])
                Assert.True(AllReduceRouter.KeepsRankOrder(AllReduceRouter.Route(new(count, type, ReduceOp.Sum), facts).Route));
        }

        AllReduceChoice none = AllReduceRouter.Route(new(1025, DataType.Float32, ReduceOp.Sum), facts with { HalfBytes = 8 << 10 });
        Assert.Equal(AllReduceRoute.None, none.Route);
        Assert.Contains("Deterministic policy excludes", none.Reason, StringComparison.Ordinal);
        Assert.Contains("GroupOptions.ArenaBytes", none.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_measured_counts_up_to_the_largest_size_that_was()
    {
        AllReduceTuning tuning = new(4, [new(DataType.Float32, true, [new(1024, AllReduceRoute.Windowed), new(4096, AllReduceRoute.Nccl)])]);
        AllReduceFacts facts = s_both with { Tuning = tuning };
        Assert.Equal(AllReduceRoute.Windowed, Captured(256));
        Assert.Equal(AllReduceRoute.Nccl, Captured(257));
        Assert.Equal(AllReduceRoute.OneShot, Captured(1025));
        Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(new(256, DataType.Float32, ReduceOp.Sum), facts).Route);
        facts = facts with { Policy = AllReducePolicy.Deterministic };
        Assert.Equal(AllReduceRoute.OneShot, Captured(257));
        facts = facts with { Policy = AllReducePolicy.Fastest, NcclObjection = "no libnccl." };
        Assert.Equal(AllReduceRoute.OneShot, Captured(257));

        AllReduceRoute Captured(nuint count) => AllReduceRouter.Route(new(count, DataType.Float32, ReduceOp.Sum) { IsCaptured = true }, facts).Route;
    }

    [Fact]
    public void Every_other_route_has_a_reason_why_it_lost()
    {
        AllReduceFacts[] all = [s_both, s_both with { NcclObjection = "no libnccl." }, s_both with { Forced = AllReduceRoute.TwoShot }, s_both with { Policy = AllReducePolicy.Deterministic }, s_both with { HalfBytes = 4096 }];
        foreach (AllReduceFacts facts in all)
        {
            AllReduceChoice choice = AllReduceRouter.Explain(new(4096, DataType.BFloat16, ReduceOp.Sum), facts);
            Assert.Equal(AllReduceRouter.Route(new(4096, DataType.BFloat16, ReduceOp.Sum), facts), choice);
            Assert.Equal(AllReduceRouter.Routes.Where(route => route != choice.Route), choice.Others.Select(other => other.Route));
            Assert.All(choice.Others, other => Assert.NotEmpty(other.Reason));
        }

        Assert.Contains("not Nccl: no libnccl.", AllReduceRouter.Explain(new(1, DataType.Float32, ReduceOp.Sum), all[1]).ToString(), StringComparison.Ordinal);
    }

    /// <summary>Only a route that was timed at that size beside the chosen one was slower there.</summary>
    [Theory]
    [InlineData(2, 1 << 19, AllReduceRoute.Nccl, "no faster than OneShot at this size by the built-in table")]
    [InlineData(2, 1 << 26, AllReduceRoute.Windowed, "no faster than CopyEngine at this size by the built-in table")]
    [InlineData(2, 1 << 29, AllReduceRoute.Windowed, "the built-in table has it for other sizes; nobody has measured so long messages")]
    [InlineData(2, 1 << 29, AllReduceRoute.Nccl, "not in the built-in table for such calls of these ranks")]
    [InlineData(4, 1 << 16, AllReduceRoute.TwoShot, "no faster than OneShot at this size by the prototypes")]
    [InlineData(4, 1 << 16, AllReduceRoute.Windowed, "no faster than OneShot at this size by the prototypes")]
    [InlineData(4, 1 << 16, AllReduceRoute.CopyEngine, "not in the built-in table for such calls of these ranks: nobody has measured it there")]
    [InlineData(4, 1 << 16, AllReduceRoute.Registered, "not in the built-in table for such calls of these ranks: nobody has measured it there")]
    [InlineData(3, 1 << 16, AllReduceRoute.TwoShot, "the built-in table has it for other sizes; nobody has measured 3 ranks")]
    [InlineData(8, 1 << 10, AllReduceRoute.TwoShot, "the built-in table has it for other sizes; nobody has measured so many ranks")]
    [InlineData(8, 1 << 10, AllReduceRoute.Nccl, "the built-in table has it for other sizes; nobody has measured so many ranks")]
    public void A_route_loses_for_what_was_measured_and_for_nothing_else(int ranks, uint count, AllReduceRoute route, string reason)
    {
        AllReduceChoice choice = AllReduceRouter.Explain(new(count, DataType.BFloat16, ReduceOp.Sum) { IsRegistered = true }, s_both with { WorldSize = ranks });
        Assert.StartsWith(reason, choice.Others.Single(other => other.Route == route).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 1 << 10, DataType.BFloat16, "one trip is the fastest at this size")]
    [InlineData(2, 1 << 29, DataType.BFloat16, "nobody has measured so long messages")]
    [InlineData(2, 1 << 10, DataType.Int32, "nobody has measured integers and doubles")]
    [InlineData(3, 1 << 10, DataType.BFloat16, "nobody has measured 3 ranks")]
    [InlineData(4, 1 << 10, DataType.BFloat16, "nobody has measured these kernels on 4 GPUs: by prototypes")]
    [InlineData(8, 1 << 10, DataType.BFloat16, "nobody has measured so many ranks")]
    [InlineData(8, 1 << 28, DataType.BFloat16, "nobody has measured so many ranks")]
    public void A_route_wins_for_what_was_measured_or_says_that_it_was_not(int ranks, uint count, DataType type, string reason) =>
        Assert.StartsWith(reason, AllReduceRouter.Route(new(count, type, ReduceOp.Sum), s_both with { WorldSize = ranks }).Reason, StringComparison.Ordinal);

    [Fact]
    public void What_was_tuned_without_registered_memory_says_nothing_of_its_routes()
    {
        AllReduceTuning tuning = new(4, [new(DataType.Float32, false, [new(4096, AllReduceRoute.Windowed)])]);
        AllReduceChoice choice = AllReduceRouter.Explain(new(256, DataType.Float32, ReduceOp.Sum) { IsRegistered = true }, s_both with { Tuning = tuning });
        Assert.Equal("it was not among those that were measured here", choice.Others.Single(other => other.Route == AllReduceRoute.CopyEngine).Reason);
        Assert.Equal("Windowed was measured to be faster at this size", choice.Others.Single(other => other.Route == AllReduceRoute.OneShot).Reason);
    }

    [Theory]
    [InlineData(1, 132, 1, 128)]
    [InlineData(128, 132, 1, 128)]
    [InlineData(129, 132, 2, 128)]
    [InlineData(64 * 128, 132, 64, 128)]
    [InlineData((64 * 128) + 1, 132, 33, 256)]
    [InlineData(128 * 256, 132, 128, 256)]
    [InlineData(1 << 20, 132, 132, 512)]
    [InlineData(1 << 20, 1, 1, 512)]
    public void A_launch_has_a_thread_for_each_cell_and_at_most_a_block_for_each_multiprocessor(uint cells, int most, int blocks, int threads) => Assert.Equal(new PeerLaunch(blocks, threads), PeerLaunch.For(cells, most));

    [Theory]
    [InlineData(2, 32 << 20, 132, 512)]
    [InlineData(4, 32 << 20, 128, 512)]
    [InlineData(8, 32 << 20, 128, 256)]
    [InlineData(8, 32 << 10, 1, 32)]
    public void A_window_fits_into_half_of_the_memory(int ranks, int half, int blocks, int threads) => Assert.Equal(new PeerLaunch(blocks, threads), PeerLaunch.ForWindow(PeerLaunch.WindowedRings, 1 << 24, ranks, 132, (nuint)half));
}
