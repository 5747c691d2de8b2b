using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Our kernels among streams, captures and other groups.</summary>
public sealed class PeerOrderTests
{
    private const int Length = 3000;

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Calls_on_changing_streams_run_one_after_the_other(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        CudaStream[] streams = [rank.NewStream(), rank.NewStream(), rank.Stream];

        // The default streams belong to a context: ranks that share one would wait for themselves.
        if (!DeviceWorld.SharesContext)
            streams = [.. streams, CudaStream.FromHandle(rank.Device, 0), CudaStream.FromHandle(rank.Device, 2)];
        using DeviceBuffer<float> value = rank.Device.Allocate<float>(Length);
        for (int round = 0; round < 20; round++)
        {
            PeerGroup.Fill(value, 1);
            rank.Meet();
            for (int call = 0; call < 10; call++)
                rank.Group.AllReduce(value.Span, value.Span, call % 2 == 0 ? ReduceOp.Sum : ReduceOp.Average, streams[(call + round) % streams.Length]);
            foreach (CudaStream stream in streams)
                rank.Group.Synchronize(stream);
            PeerGroup.Check(value, MathF.Pow(ranks, 5));
        }

        rank.Meet();
        Array.ForEach(streams[..2], stream => stream.Dispose());
        rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Max, rank.Stream);
        rank.Meet();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Where_ranks_share_a_GPU_no_call_starts_before_the_one_in_front_has_ended(int ranks) => PeerGroup.Run(ranks, rank =>
        Assert.Equal(!DeviceWorld.SharesDevice && PeerPlan.MayDepend(rank.Device), PeerGroup.PeerOf(rank.Group).IsDependent));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_stream_may_be_disposed_or_forgotten_before_its_calls_have_run(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        using DeviceBuffer<float> value = rank.Device.Allocate<float>(Length), result = rank.Device.Allocate<float>(Length);
        using DeviceBuffer<uint> word = rank.Buffer(0u);
        rank.Group.Prepare([DataType.Float32], [ReduceOp.Sum, ReduceOp.Max]);
        for (uint round = 1; round <= 6; round++)
        {
            PeerGroup.Fill(value, round);
            rank.Meet();
            CallOnAStreamThatEnds(rank, value, word, round);
            rank.Group.AllReduce(value.Span, result.Span, ReduceOp.Max, rank.Stream);

            // Not before the second call is enqueued: it would be right without any order.
            word.CopyFrom([round]);
            rank.Meet();
            PeerGroup.Check(result, round * ranks);
            rank.Group.Barrier();
        }
    });

    /// <summary>The call runs when the word is <paramref name="round"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CallOnAStreamThatEnds(DeviceRank rank, DeviceBuffer<float> value, DeviceBuffer<uint> word, uint round)
    {
        CallOn(rank.NewStream(), isDisposed: round % 2 == 0);
        GC.Collect();
        GC.WaitForPendingFinalizers();

        [MethodImpl(MethodImplOptions.NoInlining)]
        void CallOn(CudaStream stream, bool isDisposed)
        {
            Contexts.WaitForWord(stream, word, round);
            rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Sum, stream);
            if (isDisposed)
                stream.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Calls_of_ours_and_of_NCCL_on_two_streams_follow_each_other(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Assert.SkipWhen(rank.Group.Nccl is null, "No NCCL between ranks that share a GPU.");
        const int Part = 100_000;
        CudaStream[] seconds = DeviceWorld.SharesContext ? [rank.NewStream()] : [rank.NewStream(), CudaStream.FromHandle(rank.Device, 2)];
        using DeviceBuffer<float> part = rank.Device.Allocate<float>(Part), whole = rank.Device.Allocate<float>((nuint)(Part * ranks)), sum = rank.Device.Allocate<float>((nuint)(Part * ranks));
        using DeviceBuffer<uint> word = rank.Buffer(0u);
        uint turn = 0;
        foreach (CudaStream second in seconds)
        {
            for (int round = 0; round < 4; round++)
            {
                (CudaStream first, CudaStream then) = round % 2 == 0 ? (rank.Stream, second) : (second, rank.Stream);
                PeerGroup.Fill(part, ++turn);
                PeerGroup.Fill(whole, -1);
                PeerGroup.Fill(sum, -1);
                rank.Meet();
                Contexts.WaitForWord(first, word, turn);
                if (round < 2)
                {
                    // By NCCL: more than 256 KiB leave a rank. What the first one brings is the second one's input.
                    rank.Group.AllGather(part.Span, whole.Span, first);
                    rank.Group.AllReduce(whole.Span, sum.Span, ReduceOp.Sum, then);
                }
                else
                {
                    rank.Group.AllReduce(part.Span, part.Span, ReduceOp.Sum, first);
                    rank.Group.AllGather(part.Span, sum.Span, then);
                }

                // Not before the second call is enqueued: it would be right without any order.
                word.CopyFrom([turn]);
                rank.Group.Synchronize(first);
                rank.Group.Synchronize(then);
                PeerGroup.Check(sum, turn * ranks);
                rank.Group.Barrier();
            }
        }

        rank.Meet();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void What_follows_a_batch_waits_for_NCCLs_part_of_it(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Assert.SkipWhen(rank.Group.Nccl is null, "No NCCL between ranks that share a GPU.");
        const int Count = 50_000;
        using CudaStream second = rank.NewStream(), third = rank.NewStream();
        using DeviceBuffer<float> own = rank.Device.Allocate<float>(Count), came = rank.Device.Allocate<float>(Count), sum = rank.Device.Allocate<float>(Count), other = rank.Device.Allocate<float>(Count);
        using DeviceBuffer<uint> word = rank.Buffer(0u);
        for (uint round = 1; round <= 4; round++)
        {
            PeerGroup.Fill(own, round);
            PeerGroup.Fill(other, 0);
            PeerGroup.Fill(came, -1);
            rank.Meet();
            using (DeviceBatch batch = rank.Group.DeviceBatch())
            {
                using (DeviceBatch inner = rank.Group.DeviceBatch())
                {
                    rank.Group.Send(own.Span, (rank.Rank + 1) % ranks, rank.Stream);
                    rank.Group.Receive(came.Span, (rank.Rank + ranks - 1) % ranks, rank.Stream);
                }

                // By our kernel, and the last call of the batch.
                rank.Group.AllReduce(other.Span, other.Span, ReduceOp.Sum, second);

                // What NCCL enqueues at the end of the batch comes late, and the call above does not.
                Contexts.WaitForWord(rank.Stream, word, round);
            }

            rank.Group.AllReduce(came.Span, sum.Span, ReduceOp.Sum, third);

            // Time enough for it, if it did not wait.
            Thread.Sleep(100);
            word.CopyFrom([round]);
            rank.Group.Synchronize(rank.Stream);
            rank.Group.Synchronize(second);
            rank.Group.Synchronize(third);
            PeerGroup.Check(sum, round * ranks);
            rank.Group.Barrier();
        }

        rank.Meet();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Calls_on_two_streams_of_one_capture_depend_on_each_other(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        using CudaStream side = rank.NewStream();
        using CudaEvent fork = rank.Device.CreateEvent(), join = rank.Device.CreateEvent();
        using DeviceBuffer<float> one = rank.Device.Allocate<float>(Length), two = rank.Device.Allocate<float>(Length);
        rank.Meet();
        using (CudaGraph graph = rank.Capture(() =>
        {
            fork.Record(rank.Stream);
            side.Wait(fork);
            for (int call = 0; call < 3; call++)
            {
                rank.Group.AllReduce(one.Span, one.Span, ReduceOp.Sum, rank.Stream);
                rank.Group.AllReduce(two.Span, two.Span, ReduceOp.Sum, side);
            }

            join.Record(side);
            rank.Stream.Wait(join);
        }))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            // A chain of six: each of them but the first hangs on the one before, by whichever stream.
            Assert.Equal(6, graph.NodeCount);
            Assert.True(IsChain(graph), "Two calls of one group are not ordered in the graph.");
            for (int round = 1; round < 4; round++)
            {
                PeerGroup.Fill(one, round);
                PeerGroup.Fill(two, round + 1);
                rank.Meet();
                rank.Group.AllReduce(one.Span, one.Span, ReduceOp.Average, rank.Stream);
                exec.Launch(rank.Stream);
                rank.Group.AllReduce(two.Span, two.Span, ReduceOp.Average, rank.Stream);
                rank.Meet();
                PeerGroup.Check(one, round * MathF.Pow(ranks, 3));
                PeerGroup.Check(two, (round + 1) * MathF.Pow(ranks, 3));
                rank.Group.Barrier();
            }
        }

        rank.Meet();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Two_groups_whose_calls_come_in_another_order_on_each_rank_do_not_wait_for_each_other(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        // Long ones fill the device, and each group has two calls in front of the other's first.
        GroupCoordinator other = PeerGroup.New(rank, rank.Group.Ranks.Reverse());
        CheckTwoGroups(rank, other, Length, 20);
        CheckTwoGroups(rank, other, 600_000, rank.IsBrief ? 1 : 3);
        PeerGroup.Dispose(other);
        rank.Group.Barrier();
    });

    private static void CheckTwoGroups(DeviceRank rank, GroupCoordinator other, nuint length, int rounds)
    {
        int ranks = rank.Group.WorldSize;
        using CudaStream second = rank.NewStream();
        using DeviceBuffer<float> one = rank.Device.Allocate<float>(length), two = rank.Device.Allocate<float>(length);
        for (int round = 1; round <= rounds; round++)
        {
            PeerGroup.Fill(one, rank.Rank + round);
            PeerGroup.Fill(two, rank.Rank - round);
            rank.Meet();
            Action[] calls = [() => Twice(rank.Group, one, rank.Stream), () => Twice(other, two, second)];
            calls[rank.Rank % 2]();
            calls[1 - (rank.Rank % 2)]();
            other.Synchronize(second);
            rank.Meet();
            PeerGroup.Check(one, ranks * ((ranks * (ranks - 1) / 2) + (round * ranks)));
            PeerGroup.Check(two, ranks * ((ranks * (ranks - 1) / 2) - (round * ranks)));
        }

        static void Twice(GroupCoordinator group, DeviceBuffer<float> value, CudaStream stream)
        {
            group.AllReduce(value.Span, value.Span, ReduceOp.Sum, stream);
            group.AllReduce(value.Span, value.Span, ReduceOp.Sum, stream);
        }
    }

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void What_is_captured_must_have_been_prepared(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator fresh = PeerGroup.New(rank);
        using (DeviceBuffer<float> value = rank.Device.Allocate<float>(Length))
        {
            PeerGroup.Fill(value, rank.Rank);
            rank.Meet();
            using (GraphCapture capture = rank.Stream.BeginCapture())
            {
                InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => fresh.AllReduce(value.Span, value.Span, ReduceOp.Max, rank.Stream));
                Assert.Contains("Prepare([DataType.Float32], [ReduceOp.Max])", refused.Message, StringComparison.Ordinal);
            }

            fresh.Prepare([DataType.Float32, DataType.Int32], [ReduceOp.Max, ReduceOp.Product]);
            using (CudaGraph graph = rank.Capture(() => fresh.AllReduce(value.Span, value.Span, ReduceOp.Max, rank.Stream)))
            using (CudaGraphExec exec = graph.Instantiate())
            {
                rank.Meet();
                exec.Launch(rank.Stream);
                fresh.Synchronize(rank.Stream);
                PeerGroup.Check(value, ranks - 1);
            }

            // Eager, the first call prepares.
            fresh.AllReduce(value.Span, value.Span, ReduceOp.Min, rank.Stream);
            fresh.Synchronize(rank.Stream);
            PeerGroup.Check(value, ranks - 1);
        }

        PeerGroup.Dispose(fresh);
        rank.Group.Barrier();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_call_allocates_nothing_on_one_stream_or_several(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        using CudaStream second = rank.NewStream();
        using DeviceBuffer<float> value = rank.Device.Allocate<float>(100);
        rank.Meet();
        Action[] calls =
        [
            () => rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Average, rank.Stream),
            () => rank.Group.AllReduce(value.Pointer, value.Pointer, 100, DataType.Float32, ReduceOp.Average, rank.Stream),
            () => rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Average, second),
            () => rank.Group.Barrier(rank.Stream),
            () => rank.Group.Barrier(second),
            () => rank.Group.ThrowIfFaulted(),
        ];
        for (int round = 0; round < 250; round++)
        {
            for (int call = 0; call < calls.Length; call++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                calls[call]();
                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated == 0 || round < 50, $"{allocated} bytes in call {call} of round {round}");
            }

            if (round % 50 == 0)
                rank.Meet();
        }

        rank.Group.Synchronize(second);
        rank.Meet();
    });

    /// <summary>Whether every node but the first hangs on the one that was recorded before it.</summary>
    private static unsafe bool IsChain(CudaGraph graph)
    {
        nint* nodes = stackalloc nint[6], from = stackalloc nint[36], to = stackalloc nint[36];
        CUgraphEdgeData* data = stackalloc CUgraphEdgeData[36];
        nuint count = 6, edges = 36;
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuGraphGetNodes(graph.Handle, nodes, &count));
        // Dependent launches make edges that the older call does not tell.
        bool hasData = CudaDriver.Version is { Major: > 12 } or { Major: 12, Minor: >= 3 };
        Assert.Equal(CUresult.CUDA_SUCCESS, hasData ? CudaDriverNative.cuGraphGetEdges_v2(graph.Handle, from, to, data, &edges) : CudaDriverNative.cuGraphGetEdges(graph.Handle, from, to, &edges));
        HashSet<nint> reached = [], last = [];
        for (nuint i = 0; i < edges; i++)
            reached.Add(to[i]);
        for (nuint i = 0; i < edges; i++)
            last.Add(from[i]);

        // One node that hangs on none, one that none hangs on, and every other one between two.
        return reached.Count == 5 && last.Count == 5;
    }
}
