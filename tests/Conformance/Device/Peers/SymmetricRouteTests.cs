using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduces between symmetric windows, on groups that have NCCL and peer memory.</summary>
public sealed class SymmetricRouteTests
{
    private const int Most = 1 << 20;

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void The_route_knows_which_buffers_lie_in_windows(int ranks) => Run(ranks, (rank, routed) =>
    {
        using DeviceBuffer<float> first = Allocate<float>(rank), second = Allocate<float>(rank);
        AllReduceRequest request = new(1000, DataType.Float32, ReduceOp.Sum);
        Assert.False(IsSymmetric(first, second));
        using (routed.Register(first.Pointer, Most * sizeof(float), RegistrationKind.Symmetric))
        {
            Assert.False(IsSymmetric(first, second));
            Assert.True(IsSymmetric(first, first));
            using (routed.Register(second.Pointer, Most * sizeof(float) / 2, RegistrationKind.Symmetric))
            {
                Assert.True(IsSymmetric(first, second));
                Assert.True(IsSymmetric(first.Span.Slice(Most - 1000), second.Span.Slice((Most / 2) - 1000)));
                Assert.False(IsSymmetric(first, second.Span.Slice(Most / 2)));
            }

            Assert.False(IsSymmetric(first, second));
            using RegisteredBuffer local = routed.Register(second.Pointer, Most * sizeof(float), RegistrationKind.Local);
            Assert.False(IsSymmetric(first, second));
        }

        Assert.False(IsSymmetric(first, first));

        bool IsSymmetric(DeviceSpan<float> input, DeviceSpan<float> output) => routed.Locate(request, input.Pointer, output.Pointer).IsSymmetric;
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Sums_by_it_are_right_and_are_NCCLs(int ranks) => Run(ranks, (rank, routed) =>
    {
        routed.Facts = routed.Facts with { Forced = AllReduceRoute.NcclSymmetric };
        using DeviceBuffer<float> first = Allocate<float>(rank), second = Allocate<float>(rank);
        using (routed.Register(first.Pointer, Most * sizeof(float), RegistrationKind.Symmetric))
        using (routed.Register(second.Pointer, Most * sizeof(float), RegistrationKind.Symmetric))
        {
            Random random = new(World.Seed);
            for (int call = 0; call < (rank.IsBrief ? 6 : 20); call++)
            {
                (int count, int start) = (random.Next(1, 100_000), random.Next(0, 1000));
                DeviceSpan<float> input = first.Span.Slice((nuint)start, (nuint)count), output = call % 3 == 0 ? input : second.Span.Slice((nuint)start, (nuint)count);
                PeerGroup.Fill(first, rank.Rank + call);
                rank.Meet();
                Assert.Equal(AllReduceRoute.NcclSymmetric, routed.Route(routed.Locate(new((nuint)count, DataType.Float32, ReduceOp.Sum), input.Pointer, output.Pointer)).Route);
                long before = Calls();
                if (call % 2 == 0)
                    routed.AllReduce(input.Pointer, output.Pointer, (nuint)count, DataType.Float32, ReduceOp.Sum, rank.Stream);
                else
                {
                    using CudaGraph graph = rank.Capture(() => routed.AllReduce(input.Pointer, output.Pointer, (nuint)count, DataType.Float32, ReduceOp.Sum, rank.Stream));
                    using CudaGraphExec exec = graph.Instantiate();
                    exec.Launch(rank.Stream);
                    rank.Meet();
                }

                rank.Meet();
                Assert.Equal(before + 1, Calls());
                float[] found = new float[count];
                output.CopyTo(rank.Device, found);
                Assert.False(found.AsSpan().ContainsAnyExcept((float)((call * rank.Size) + (rank.Size * (rank.Size - 1) / 2))), $"seed {World.Seed}, call {call}: {count} from {start}");
                rank.Meet();
            }

            // Not between windows: ours, as if nothing were forced.
            long own = Calls();
            using DeviceBuffer<float> plain = rank.Device.Allocate<float>(16);
            rank.Meet();
            routed.AllReduce(plain.Pointer, plain.Pointer, 16, DataType.Float32, ReduceOp.Sum, rank.Stream);
            rank.Meet();
            Assert.Equal(own, Calls());
        }

        long Calls() => ((IGuardedCommunicator)routed.Nccl!).LastCall.Sequence;
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void What_NCCL_gets_wrong_between_windows_goes_by_our_kernels_at_every_size(int ranks) => Run(ranks, (rank, routed) =>
    {
        routed.Facts = routed.Facts with { Forced = AllReduceRoute.NcclSymmetric };
        using DeviceBuffer<BFloat16> buffer = Allocate<BFloat16>(rank);
        using (routed.Register(buffer.Pointer, Most * 2, RegistrationKind.Symmetric))
        {
            foreach (int count in (ReadOnlySpan<int>)[5, 300_001])
            {
                buffer.CopyFrom([.. Enumerable.Repeat((BFloat16)(rank.Rank + 1), Most)]);
                rank.Meet();
                DeviceSpan<BFloat16> odd = buffer.Span.Slice(1, (nuint)count);
                AllReduceRequest request = routed.Locate(new((nuint)count, DataType.BFloat16, ReduceOp.Sum), odd.Pointer, odd.Pointer);
                Assert.Contains("multiples of 4 bytes", AllReduceRouter.Objection(AllReduceRoute.NcclSymmetric, request, routed.Facts), StringComparison.Ordinal);
                routed.AllReduce(odd.Pointer, odd.Pointer, odd.Length, DataType.BFloat16, ReduceOp.Sum, rank.Stream);
                rank.Meet();
                float[] found = [.. buffer.ToArray().Select(value => (float)value)];
                Assert.Equal(rank.Rank + 1, found[0]);
                Assert.False(found.AsSpan(1, count).ContainsAnyExcept(rank.Size * (rank.Size + 1) / 2f));
                Assert.Equal(rank.Rank + 1, found[count + 1]);
            }
        }
    });

    /// <summary>On a group of its own, with NCCL and its windows.</summary>
    private static void Run(int ranks, Action<DeviceRank, RoutedDeviceCommunicator> body) => PeerGroup.Run(ranks, rank =>
    {
        if (rank.Group.Nccl is not { Version: >= 22703 })
            return;
        GroupCoordinator group = PeerGroup.New(rank);
        body(rank, (RoutedDeviceCommunicator)group.DeviceCommunicator!);
        rank.Meet();
        PeerGroup.Dispose(group);
    });

    private static DeviceBuffer<T> Allocate<T>(DeviceRank rank)
        where T : unmanaged
    {
        rank.Meet();
        return rank.Device.Allocate<T>(Most, DeviceMemoryKind.Shareable);
    }
}
