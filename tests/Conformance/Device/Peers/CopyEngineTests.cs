using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduce by copy engines into memory that all ranks have mapped, among calls of other routes: the bits of the host's fold in rank order, and errors in place of hangs where ranks disagree.</summary>
public sealed class CopyEngineTests
{
    [Theory]
    [MemberData(nameof(RegisteredCases.TypesAndSizes), MemberType = typeof(RegisteredCases))]
    public void The_bits_are_those_of_a_fold_in_rank_order_eager_and_replayed(DataType type, int ranks) => Run(ranks, rank => RegisteredCases.CheckBits(rank, AllReduceRoute.CopyEngine, type));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_call_of_the_group_takes_the_route_where_its_output_is_registered(int ranks) => Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        AllReduceBand[] plain = [new(1 << 20, AllReduceRoute.OneShot)], registered = [new(1 << 20, AllReduceRoute.CopyEngine)];
        group.TakeTuning((RoutedDeviceCommunicator)group.DeviceCommunicator!, new AllReduceTuning(ranks, [new(DataType.Float32, false, plain), new(DataType.Float32, false, registered) { IsRegistered = true }]));
        AllReduceRequest request = new(1000, DataType.Float32, ReduceOp.Sum);
        Assert.Equal(AllReduceRoute.OneShot, group.Route(request).Route);
        Assert.Equal(AllReduceRoute.CopyEngine, group.Route(request with { IsRegistered = true }).Route);

        nuint before = PeerArena.AllocatedBytes(rank.Device);
        PeerBuffer<float> output = RegisteredCases.Allocate<float>(group, 1 << 20), other = RegisteredCases.Allocate<float>(group, 77);
        Assert.True(PeerArena.AllocatedBytes(rank.Device) > before);
        Assert.Equal((nuint)77, other.Length);
        using (DeviceBuffer<float> input = rank.Device.Allocate<float>(1000))
        {
            PeerGroup.Fill(input, rank.Rank + 1);
            group.Barrier();
            float sum = ranks * (ranks + 1) / 2;
            group.AllReduce(input.Span, output.Span.Slice(100, 1000), ReduceOp.Sum, rank.Stream);
            group.AllReduce(output.Span.Slice(100, 1000), output.Span.Slice(100, 1000), ReduceOp.Max, rank.Stream);
            group.AllReduce(input.Span.Slice(0, 77), other, ReduceOp.Sum, rank.Stream);
            group.AllReduce(input.Span, input.Span, ReduceOp.Sum, rank.Stream);
            group.Synchronize(rank.Stream);
            PeerGroup.Check(input, sum);
            Assert.All(RegisteredCases.Content(rank, output.Span.Slice(100, 1000)), found => Assert.Equal(sum, found));
            Assert.All(RegisteredCases.Content(rank, other), found => Assert.Equal(sum, found));
            ArgumentException outside = Assert.Throws<ArgumentException>(() => group.AllReduce(input.Pointer, output.Span.Slice((1 << 20) - 10).Pointer, 1000, DataType.Float32, ReduceOp.Sum, rank.Stream));
            Assert.Contains("end outside of it", outside.Message, StringComparison.Ordinal);
            NotSupportedException unknown = Assert.Throws<NotSupportedException>(() => PeerGroup.PeerOf(group).AllReduce(AllReduceRoute.CopyEngine, input.Pointer, input.Pointer, 1000, DataType.Float32, ReduceOp.Sum, rank.Stream));
            Assert.Contains(nameof(GroupCoordinator.AllocateRegisteredAsync), unknown.Message, StringComparison.Ordinal);
            group.Barrier();
        }

        RegisteredCases.Dispose(other);
        RegisteredCases.Dispose(output);
        RegisteredCases.Dispose(output);
        Assert.Throws<ObjectDisposedException>(() => output.Span);
        Assert.Equal(before, PeerArena.AllocatedBytes(rank.Device));
        PeerGroup.Dispose(group);
        rank.Group.Barrier();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Ranks_that_mean_another_place_are_told_which_one_and_do_not_hang(int ranks) => Run(ranks, rank => RegisteredCases.CheckMismatch(rank, AllReduceRoute.CopyEngine, rank.Rank == 0 ? 4u : 0u, 1000,
        "into registered buffer 1 at byte 16", "into registered buffer 1 at byte 0"));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Lengths_that_differ_are_refused_on_every_rank_and_the_group_goes_on(int ranks) => Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        PeerMemoryException refused = Assert.Throws<PeerMemoryException>(() => RegisteredCases.Allocate<byte>(group, rank.Rank == 0 ? 1u << 20 : 2u << 20));
        Assert.Contains("don't ask for the same", refused.Message, StringComparison.Ordinal);
        PeerBuffer<byte> buffer = RegisteredCases.Allocate<byte>(group, 1 << 20);

        // The group goes first: the memory stays good for whoever has it.
        PeerGroup.Dispose(group);
        RegisteredCases.Dispose(buffer);
        rank.Group.Barrier();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Captures_and_eager_calls_between_them_do_not_disturb_each_other(int ranks) => Run(ranks, rank =>
    {
        const uint Length = 3000;
        PeerBuffer<float> value = RegisteredCases.Allocate<float>(rank.Group, Length);
        PeerCommunicator peer = PeerGroup.PeerOf(rank.Group);
        using CudaStream second = rank.NewStream();
        rank.Meet();
        CudaGraphExec[] graphs = new CudaGraphExec[2];
        for (int i = 0; i < graphs.Length; i++)
        {
            using CudaGraph graph = rank.Capture(() =>
            {
                Enqueue(rank.Stream, ReduceOp.Sum);
                Enqueue(rank.Stream, ReduceOp.Max);
            });
            graphs[i] = graph.Instantiate();
        }

        for (int round = 1; round <= 10; round++)
        {
            rank.Meet();
            value.Span.CopyFrom<float>(rank.Device, [.. Enumerable.Repeat((float)round, (int)Length)]);
            rank.Meet();
            Enqueue(rank.Stream, ReduceOp.Average);
            graphs[round % 2].Launch(rank.Stream);
            rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Min, rank.Stream);
            graphs[1 - (round % 2)].Launch(rank.Stream);
            Enqueue(second, ReduceOp.Sum);
            rank.Group.Synchronize(second);
            rank.Meet();
            Assert.All(RegisteredCases.Content(rank, value), found => Assert.Equal(round * MathF.Pow(ranks, 3), found));
        }

        rank.Meet();
        Array.ForEach(graphs, graph => graph.Dispose());
        RegisteredCases.Dispose(value);
        rank.Group.Barrier();

        void Enqueue(nint stream, ReduceOp op) => peer.AllReduce(AllReduceRoute.CopyEngine, value.Pointer, value.Pointer, Length, DataType.Float32, op, stream);
    }, ReduceOp.Sum, ReduceOp.Max, ReduceOp.Min, ReduceOp.Average);

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Two_captures_at_once_hold_calls_of_one_piece_and_of_two(int ranks) => Run(ranks, rank =>
    {
        (nuint Long, nuint Short) length = ((nuint)((CopyEnginePlan.Divisible / sizeof(float)) + 10) * (nuint)ranks, 1);
        Assert.Equal((2, 1), (new CopyEnginePlan(length.Long * sizeof(float), ranks).Pieces, new CopyEnginePlan(length.Short * sizeof(float), ranks).Pieces));
        PeerBuffer<float> value = RegisteredCases.Allocate<float>(rank.Group, length.Long + length.Short);
        PeerCommunicator peer = PeerGroup.PeerOf(rank.Group);
        using CudaStream second = rank.NewStream(), third = rank.NewStream();
        rank.Meet();
        using GraphCapture one = second.BeginCapture(), two = third.BeginCapture();
        for (int call = 0; call < 2; call++)
        {
            foreach (CudaStream stream in (CudaStream[])[second, third])
            {
                Enqueue(stream, 0, length.Long);
                Enqueue(stream, length.Long, length.Short);
            }
        }

        using CudaGraph first = one.End(), other = two.End();
        using CudaGraphExec firstly = first.Instantiate(), then = other.Instantiate();
        rank.Meet();
        value.Span.CopyFrom<float>(rank.Device, [.. Enumerable.Range(0, (int)value.Span.Length).Select(index => (float)(index % 7))]);
        rank.Meet();
        then.Launch(rank.Stream);
        firstly.Launch(rank.Stream);
        rank.Meet();
        float times = MathF.Pow(ranks, 4);
        float[] found = RegisteredCases.Content(rank, value);
        for (int index = 0; index < found.Length; index++)
            Assert.True(found[index] == index % 7 * times, $"element {index} is {found[index]}");
        RegisteredCases.Dispose(value);
        rank.Group.Barrier();

        void Enqueue(nint stream, nuint begin, nuint count) =>
            peer.AllReduce(AllReduceRoute.CopyEngine, value.Pointer + ((nint)begin * sizeof(float)), value.Pointer + ((nint)begin * sizeof(float)), count, DataType.Float32, ReduceOp.Sum, stream);
    }, ReduceOp.Sum);

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_call_allocates_nothing(int ranks) => Run(ranks, rank => RegisteredCases.CheckAllocations(rank, AllReduceRoute.CopyEngine), ReduceOp.Max);

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void The_router_takes_it_where_it_was_measured_and_says_why_not_elsewhere(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        AllReduceRequest large = new(128 << 20, DataType.BFloat16, ReduceOp.Sum) { IsRegistered = true };
        AllReduceChoice choice = rank.Group.Route(large);
        bool shares = RegisteredCases.SharesDevice(rank);
        Assert.Equal(ranks == 2 && !shares, choice.Route == AllReduceRoute.CopyEngine);
        if (shares)
            Assert.Contains(choice.Others, other => other.Route == AllReduceRoute.CopyEngine && other.Reason.Contains("share a GPU", StringComparison.Ordinal));
        choice = rank.Group.Route(large with { IsRegistered = false });
        Assert.Contains(choice.Others, other => other.Route == AllReduceRoute.CopyEngine && (shares || other.Reason.Contains(nameof(GroupCoordinator.AllocateRegisteredAsync), StringComparison.Ordinal)));
    });

    /// <summary>On ranks with a GPU each.</summary>
    private static void Run(int ranks, Action<DeviceRank> body, params ReduceOp[] operations) => PeerGroup.Run(ranks, rank =>
    {
        Assert.SkipWhen(RegisteredCases.SharesDevice(rank), "Ranks share a GPU.");
        rank.Group.Prepare([DataType.Float32], operations);
        body(rank);
    });
}
