using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Which calls our kernels make, on a group that could ask NCCL as well.</summary>
public sealed class RouteTests
{
    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void The_route_follows_from_the_size(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Assert.Contains(rank.Group.Capabilities, vote => vote is { Capability: "peer memory", IsOn: true });
        Assert.Equal(AllReduceRoute.OneShot, Route(4096, DataType.BFloat16, ReduceOp.Sum));
        Assert.Equal(AllReduceRoute.OneShot, Route(4096, DataType.Int64, ReduceOp.Product));
        Assert.Equal(rank.Size == 2 ? AllReduceRoute.Windowed : AllReduceRoute.TwoShot, Route(1 << 20, DataType.BFloat16, ReduceOp.Sum));
        Assert.Equal(rank.Size == 2 ? AllReduceRoute.TwoShot : AllReduceRoute.Windowed, Route(4 << 20, DataType.BFloat16, ReduceOp.Sum));
        Assert.Equal(AllReduceRoute.Windowed, Route(8 << 20, DataType.BFloat16, ReduceOp.Sum));
        Assert.Equal(rank.Group.Nccl is null ? AllReduceRoute.Windowed : AllReduceRoute.Nccl, Route(64 << 20, DataType.Float64, ReduceOp.Sum));

        AllReduceRoute Route(nuint count, DataType type, ReduceOp op) => rank.Group.Route(new AllReduceRequest(count, type, op)).Route;
    });
}
