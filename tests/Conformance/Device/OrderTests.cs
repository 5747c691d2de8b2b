using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Device collectives among other work: other streams and threads, memory in stream order, collectives on host memory.</summary>
public sealed class OrderTests
{
    private const int Length = 50_000;

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Events_order_a_collective_after_other_streams_and_before_them(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using CudaStream before = rank.NewStream(), behind = rank.NewStream();
        using CudaEvent ready = rank.Device.CreateEvent(), done = rank.Device.CreateEvent();
        using DeviceBuffer<int> source = rank.Device.Allocate<int>(Length), value = rank.Device.Allocate<int>(Length), result = rank.Device.Allocate<int>(Length);
        using (CudaGraph graph = rank.Capture(Calls))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            rank.Meet();
            for (int round = 0; round < 6; round++)
            {
                source.CopyFrom([.. Enumerable.Repeat(rank.Rank + round, Length)]);
                if (round % 2 == 0)
                    Calls();
                else
                    exec.Launch(rank.Stream);
                rank.Group.Synchronize(behind);
                rank.Meet();
                Assert.All(result.ToArray(), found => Assert.Equal((round * ranks) + (ranks * (ranks - 1) / 2), found));
                rank.Group.Barrier();
            }
        }

        rank.Meet();

        // Joins the other streams to a capture, and back.
        void Calls()
        {
            ready.Record(rank.Stream);
            before.Wait(ready);
            source.Span.CopyTo(value.Span, before);
            ready.Record(before);
            rank.Stream.Wait(ready);
            rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Sum, rank.Stream);
            done.Record(rank.Stream);
            behind.Wait(done);
            value.Span.CopyTo(result.Span, behind);
            done.Record(behind);
            rank.Stream.Wait(done);
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Memory_of_a_stream_is_used_and_freed_in_its_order(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> result = rank.Device.Allocate<int>(Length), ones = rank.Buffer<int>([.. Enumerable.Repeat(1, Length)]);
        rank.Meet();
        for (int round = 0; round < 5; round++)
        {
            using (DeviceBuffer<int> scratch = rank.Stream.Allocate<int>(Length))
            {
                Assert.Equal(DeviceMemoryKind.StreamOrdered, scratch.Kind);
                scratch.Span.Clear(rank.Stream);
                if (rank.Rank == round % ranks)
                    ones.Span.CopyTo(scratch.Span, rank.Stream);
                rank.Group.AllReduce(scratch.Span, result.Span, ReduceOp.Sum, rank.Stream);
            }

            rank.Meet();
            Assert.All(result.ToArray(), found => Assert.Equal(1, found));
            rank.Group.Barrier();
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_graph_can_own_the_memory_of_its_collectives(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> input = rank.Device.Allocate<int>(Length), output = rank.Device.Allocate<int>(Length);
        rank.Group.Prepare([DataType.Int32], [ReduceOp.Sum]);
        using (CudaGraph graph = rank.Capture(Calls))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            rank.Meet();
            for (int round = 0; round < 3; round++)
            {
                input.CopyFrom([.. Enumerable.Repeat(rank.Rank + round, Length)]);
                exec.Launch(rank.Stream);
                rank.Meet();
                Assert.All(output.ToArray(), found => Assert.Equal((round * ranks) + (ranks * (ranks - 1) / 2), found));
                rank.Group.Barrier();
            }
        }

        rank.Meet();

        void Calls()
        {
            using DeviceBuffer<int> scratch = rank.Stream.Allocate<int>(Length);
            rank.Group.AllReduce(input.Span, scratch.Span, ReduceOp.Sum, rank.Stream);
            scratch.Span.CopyTo(output.Span, rank.Stream);
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void Collectives_on_host_and_device_memory_take_turns(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> device = rank.Buffer(0, 0);
        int[] host = [0, 0];
        rank.Meet();
        for (int round = 0; round < 50; round++)
        {
            device.CopyFrom([round, rank.Rank]);
            rank.Group.AllReduce(device.Span, device.Span, ReduceOp.Max, rank.Stream);
            rank.Group.AllReduce<int>([rank.Rank, round], host);
            rank.Group.Synchronize(rank.Stream);
            Assert.Equal([round, ranks - 1], device.ToArray());
            Assert.Equal([ranks * (ranks - 1) / 2, round * ranks], host);
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_thread_that_never_touched_CUDA_may_call_and_is_left_without_a_context(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> value = rank.Buffer(rank.Rank);
        rank.Meet();
        nint context = -1;
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Sum, rank.Stream);
                rank.Group.Synchronize(rank.Stream);
                context = Contexts.Current;
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
        Assert.Equal(0, context);
        rank.Meet();
        Assert.Equal([ranks * (ranks - 1) / 2], value.ToArray());
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Calls_go_to_a_foreign_stream_and_to_the_legacy_default_stream(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> value = rank.Buffer(1);
        using CudaStream foreign = Contexts.ForeignStream(rank.Device, out nint handle);
        rank.Meet();
        foreach (nint stream in (nint[])[handle, 0])
        {
            value.CopyFrom([1]);
            rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Sum, stream);
            rank.Group.Synchronize(stream);
            rank.Group.Barrier();
            Assert.Equal([ranks], value.ToArray());
        }

        rank.Group.Barrier();
        Contexts.Destroy(rank.Device, handle);
    });
}
