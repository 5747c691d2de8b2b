using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class AllocationTests
{
    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_call_allocates_nothing(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        GroupCoordinator group = rank.Group;
        CudaStream stream = rank.Stream;
        nuint[] counts = [.. Enumerable.Repeat((nuint)16, ranks)];
        using DeviceBuffer<float> small = rank.Device.Allocate<float>(16), whole = rank.Device.Allocate<float>((nuint)(16 * ranks)), other = rank.Device.Allocate<float>((nuint)(16 * ranks));
        group.PrepareRmsNorm(Interop.DataType.Float32);
        using DeviceBuffer<float> window = rank.Device.Allocate<float>(16, DeviceMemoryKind.Shareable);
        using RegisteredBuffer? known = group.Nccl is { Version: >= 22703 } ? group.Register(window.Span) : null;
        using (CudaGraph graph = rank.Capture(() => group.AllReduce(small.Span, small.Span, ReduceOp.Sum, stream)))
        using (CudaGraphExec exec = graph.Instantiate())
        using (CudaEvent mark = rank.Device.CreateEvent())
        {
            rank.Meet();
            Action[] calls =
            [
                () => group.AllReduce(small.Span, small.Span, ReduceOp.Sum, stream),
                () => group.AllReduce(small.Pointer, small.Pointer, 16, Interop.DataType.Float32, ReduceOp.Max, stream),
                () => group.AllReduce(window.Span, window.Span, ReduceOp.Sum, stream),
                () => group.Reduce(small.Span, small.Span, 0, ReduceOp.Sum, stream),
                () => group.Broadcast(small.Span, ranks - 1, stream),
                () => group.AllGather(small.Span, whole.Span, stream),
                () => group.AllGatherV(small.Span, whole.Span, counts, stream),
                () => group.ReduceScatter(whole.Span, small.Span, ReduceOp.Sum, stream),
                () => group.ReduceScatterV(whole.Span, small.Span, counts, ReduceOp.Sum, stream),
                () => group.Gather(small.Span, whole.Span, 0, stream),
                () => group.Scatter(whole.Span, small.Span, 0, stream),
                () => group.AllToAll(whole.Span, other.Span, stream),
                () => group.AllToAllV(whole.Span, counts, other.Span, counts, stream),
                () => group.SendReceive(small.Span, rank.Next, whole.Span.Slice(0, 16), rank.Previous, stream),
                () => group.SendReceive(small.Span, rank.Rank, whole.Span.Slice(0, 16), rank.Rank, stream),
                () =>
                {
                    using DeviceBatch batch = group.DeviceBatch();
                    group.AllReduce(small.Span, small.Span, ReduceOp.Min, stream);
                    group.AllReduce(whole.Span, whole.Span, ReduceOp.Max, stream);
                },
                () => group.AllReduceRmsNorm(small.Span, whole.Span.Slice(0, 16), whole.Span.Slice(16, 16), small.Span, 1, stream),
                () => group.Barrier(stream),
                () => exec.Launch(stream),
                () =>
                {
                    mark.Record(stream);
                    stream.Wait(mark);
                },
                () => group.Synchronize(stream),
            ];
            for (int i = 0; i < 50; i++)
                Array.ForEach(calls, call => call());
            for (int i = 0; i < (rank.IsBrief ? 150 : 400); i++)
            {
                for (int call = 0; call < calls.Length; call++)
                {
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    calls[call]();
                    long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                    Assert.True(allocated == 0, $"{allocated} bytes in call {call} of round {i}");
                }
            }

            rank.Meet();
        }

        rank.Meet();
    });
}
