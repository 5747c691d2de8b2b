using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduce by one kernel into memory that all ranks have mapped, also where ranks share a GPU.</summary>
public sealed class RegisteredTests
{
    [Theory]
    [MemberData(nameof(RegisteredCases.TypesAndSizes), MemberType = typeof(RegisteredCases))]
    public void The_bits_are_those_of_a_fold_in_rank_order_eager_and_replayed(DataType type, int ranks) => PeerGroup.Run(ranks, rank => RegisteredCases.CheckBits(rank, AllReduceRoute.Registered, type));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Ranks_that_mean_another_place_are_told_which_one_and_do_not_hang(int ranks) => PeerGroup.Run(ranks, rank => RegisteredCases.CheckMismatch(rank, AllReduceRoute.Registered, rank.Rank == 0 ? 4u : 0u, 1000,
        "into registered buffer 1 at byte 16", "into registered buffer 1 at byte 0"));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Ranks_that_mean_another_length_are_told_though_their_grids_differ(int ranks) => PeerGroup.Run(ranks, rank => RegisteredCases.CheckMismatch(rank, AllReduceRoute.Registered, 0, rank.Rank == 0 ? 9_999u : 3u,
        new HostCall(CollectiveKind.AllReduce, DataType.Float32, ReduceOp.Sum, 0, 9_999).ToString(), new HostCall(CollectiveKind.AllReduce, DataType.Float32, ReduceOp.Sum, 0, 3).ToString()));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_call_allocates_nothing(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        rank.Group.Prepare([DataType.Float32], [ReduceOp.Max]);
        RegisteredCases.CheckAllocations(rank, AllReduceRoute.Registered);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_group_takes_it_where_it_is_told_to_and_says_why_not_elsewhere(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        AllReduceRequest request = new(1000, DataType.Float32, ReduceOp.Sum);
        Assert.NotEqual(AllReduceRoute.Registered, group.Route(request with { IsRegistered = true }).Route);
        RoutedDeviceCommunicator routed = (RoutedDeviceCommunicator)group.DeviceCommunicator!;
        routed.Facts = routed.Facts with { Forced = AllReduceRoute.Registered };
        Assert.Equal(AllReduceRoute.Registered, group.Route(request with { IsRegistered = true }).Route);
        AllReduceRejection elsewhere = group.Route(request).Others.Single(other => other.Route == AllReduceRoute.Registered);
        Assert.Contains(nameof(GroupCoordinator.AllocateRegisteredAsync), elsewhere.Reason, StringComparison.Ordinal);

        PeerBuffer<float> output = RegisteredCases.Allocate<float>(group, 1100);
        using (DeviceBuffer<float> input = rank.Device.Allocate<float>(1000))
        {
            PeerGroup.Fill(input, rank.Rank + 1);
            group.Barrier();
            float sum = ranks * (ranks + 1) / 2;
            group.AllReduce(input.Span, output.Span.Slice(100, 1000), ReduceOp.Sum, rank.Stream);
            group.AllReduce(output.Span.Slice(100, 1000), output.Span.Slice(100, 1000), ReduceOp.Max, rank.Stream);
            group.AllReduce(input.Span, input.Span, ReduceOp.Sum, rank.Stream);
            group.Synchronize(rank.Stream);
            PeerGroup.Check(input, sum);
            Assert.All(RegisteredCases.Content(rank, output.Span.Slice(100, 1000)), found => Assert.Equal(sum, found));
            NotSupportedException unknown = Assert.Throws<NotSupportedException>(() => PeerGroup.PeerOf(group).AllReduce(AllReduceRoute.Registered, input.Pointer, input.Pointer, 1000, DataType.Float32, ReduceOp.Sum, rank.Stream));
            Assert.Contains(nameof(GroupCoordinator.AllocateRegisteredAsync), unknown.Message, StringComparison.Ordinal);
            group.Barrier();
        }

        RegisteredCases.Dispose(output);
        PeerGroup.Dispose(group);
        rank.Group.Barrier();
    });
}
