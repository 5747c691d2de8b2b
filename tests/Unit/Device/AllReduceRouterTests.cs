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
    public void Counts_beyond_all_memory_do_not_wrap_around()
    {
        foreach (DataType type in PeerKernelVariant.Types)
            Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(new(nuint.MaxValue, type, ReduceOp.Sum), s_both).Route);
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
    public void A_window_fits_into_half_of_the_memory(int ranks, int half, int blocks, int threads) => Assert.Equal(new PeerLaunch(blocks, threads), PeerLaunch.ForWindow(1 << 24, ranks, 132, (nuint)half));
}
