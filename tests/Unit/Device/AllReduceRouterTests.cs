using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

public sealed class AllReduceRouterTests
{
    private static readonly AllReduceFacts s_both = new(4, null, null, 8 << 20, null);

    [Theory]
    [InlineData(DataType.BFloat16, ReduceOp.Sum, 1, AllReduceRoute.OneShot)]
    [InlineData(DataType.Float32, ReduceOp.Average, 1000, AllReduceRoute.OneShot)]
    [InlineData(DataType.Float8E5M2, ReduceOp.Min, 1 << 20, AllReduceRoute.OneShot)]
    [InlineData(DataType.Float8E5M2, ReduceOp.Max, (4 << 20) / 3, AllReduceRoute.OneShot)]
    [InlineData(DataType.Float8E5M2, ReduceOp.Max, ((4 << 20) / 3) + 1, AllReduceRoute.Nccl)]
    [InlineData(DataType.BFloat16, ReduceOp.Sum, 1 << 20, AllReduceRoute.Nccl)]
    [InlineData(DataType.BFloat16, ReduceOp.Product, 1, AllReduceRoute.Nccl)]
    [InlineData(DataType.Float64, ReduceOp.Sum, 1, AllReduceRoute.Nccl)]
    [InlineData(DataType.Int32, ReduceOp.Max, 1, AllReduceRoute.Nccl)]
    public void With_both_at_hand_size_type_and_operation_decide(DataType type, ReduceOp op, uint count, AllReduceRoute route) => Assert.Equal(route, AllReduceRouter.Route(new(count, type, op), s_both).Route);

    [Fact]
    public void Without_NCCL_one_shot_goes_as_far_as_the_memory_does()
    {
        AllReduceFacts facts = s_both with { NcclObjection = "no libnccl." };
        nuint most = (8 << 20) / 4 / sizeof(float);
        Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(new(most, DataType.Float32, ReduceOp.Sum), facts).Route);
        AllReduceChoice none = AllReduceRouter.Route(new(most + 1, DataType.Float32, ReduceOp.Sum), facts);
        Assert.Equal(AllReduceRoute.None, none.Route);
        Assert.Equal("NCCL: no libnccl. One-shot: the inputs of all ranks are more than half of the peer memory, see GroupOptions.ArenaBytes.", none.Reason);
        Assert.Equal(AllReduceRoute.None, AllReduceRouter.Route(new(1, DataType.UInt8, ReduceOp.Sum), facts).Route);
    }

    [Fact]
    public void What_is_forced_is_taken_wherever_it_can_be()
    {
        AllReduceFacts ours = s_both with { Forced = AllReduceRoute.OneShot }, nccl = s_both with { Forced = AllReduceRoute.Nccl };
        Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(new(1 << 20, DataType.BFloat16, ReduceOp.Sum), ours).Route);
        Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(new(1, DataType.Int64, ReduceOp.Sum), ours).Route);
        Assert.Equal(AllReduceRoute.Nccl, AllReduceRouter.Route(new(1, DataType.BFloat16, ReduceOp.Sum), nccl).Route);
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
    [InlineData(128 * 132, 132, 132, 128)]
    [InlineData((128 * 132) + 1, 132, 67, 256)]
    [InlineData(1 << 20, 132, 132, 512)]
    [InlineData(1 << 20, 1, 1, 512)]
    public void A_launch_has_a_thread_for_each_packet_and_at_most_a_block_for_each_multiprocessor(uint packets, int most, int blocks, int threads) => Assert.Equal(new PeerLaunch(blocks, threads), PeerLaunch.For(packets, most));
}
