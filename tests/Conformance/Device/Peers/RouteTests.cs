using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Which calls our kernels make, on a group that could ask NCCL as well.</summary>
public sealed class RouteTests
{
    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Small_float_reductions_take_one_shot_and_all_others_NCCL(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        AllReduceRoute other = rank.Group.Nccl is null ? AllReduceRoute.None : AllReduceRoute.Nccl;
        Assert.Contains(rank.Group.Capabilities, vote => vote is { Capability: "peer memory", IsOn: true });
        Assert.Equal(AllReduceRoute.OneShot, Route(4096, DataType.BFloat16, ReduceOp.Sum));
        Assert.Equal(AllReduceRoute.OneShot, Route(4096, DataType.Float8E4M3, ReduceOp.Average));
        Assert.Equal(other, Route(4096, DataType.Int32, ReduceOp.Sum));
        Assert.Equal(other, Route(4096, DataType.Float64, ReduceOp.Sum));
        Assert.Equal(other, Route(4096, DataType.Float32, ReduceOp.Product));
        Assert.Equal(other, Route(64 << 20, DataType.BFloat16, ReduceOp.Sum));

        AllReduceRoute Route(nuint count, DataType type, ReduceOp op) => rank.Group.Route(new AllReduceRequest(count, type, op)).Route;
    });
}
