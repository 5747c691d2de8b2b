using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Failures;

internal static partial class DeviceRank
{
    /// <summary>Reduces until something ends it; then what a call, Synchronize and the stream say.</summary>
    private static async Task LoopAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Barrier();
        Tell(rank, "ready", "");
        Step(rank, "loop", () =>
        {
            while (true)
            {
                place.Reduce();
                place.Synchronize();
            }
        });
        Afterwards(rank, place);
    }

    /// <summary>Every later call throws the fault, and what was enqueued ends.</summary>
    private static void Afterwards(int rank, Place place)
    {
        Step(rank, "call", place.Reduce);
        Step(rank, "synchronize", place.Synchronize);
        Step(rank, "batch", () => place.Group.DeviceBatch().Dispose());
        Step(rank, "drain", () => Require(WaitFor(() => place.Stream.IsCompleted), "the stream does not drain"));
    }

    /// <summary>Rank 0's first call is refused by NCCL; the others wait in theirs.</summary>
    private static async Task RefusedAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Barrier();
        Step(rank, "first", place.Reduce);
        Step(rank, "first synchronize", place.Synchronize);
        Step(rank, "second", () =>
        {
            place.Reduce();
            place.Synchronize();
        });
        Step(rank, "barrier", () => group.Barrier());
        Step(rank, "drain", () => Require(WaitFor(() => place.Stream.IsCompleted), "the stream does not drain"));
    }

    /// <summary>Rank 1 does not make the call that the others wait in: in Synchronize, or inside NCCL (STUB_NCCL_LAZY_CONNECT).</summary>
    private static async Task SilentAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Barrier();
        if (rank == 1)
            Step(rank, "barrier", () => group.Barrier());
        else
        {
            Step(rank, "reduce", place.Reduce);
            Step(rank, "wait", place.Synchronize);
        }

        Afterwards(rank, place);
    }

    /// <summary>Rank 1 does not register.</summary>
    private static async Task SilentRegistrationAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        using DeviceBuffer<float> buffer = place.Device.Allocate<float>(1024, DeviceMemoryKind.Shareable);
        group.Barrier();
        if (rank == 0)
            Step(rank, "register", () => group.Register(buffer.Span));
        else
            Step(rank, "barrier", () => group.Barrier());
        Afterwards(rank, place);
    }

    /// <summary>Rank 1's stream fails (STUB_CUDA_FAIL) before it makes the call that the others wait in.</summary>
    private static async Task KernelFaultAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Barrier();
        if (rank == 0)
            place.Reduce();

        // The fault comes behind the call: before it, the call itself would throw.
        group.Barrier();
        Step(rank, "wait", place.Synchronize);
        Step(rank, "dispose", () => group.DisposeAsync().AsTask().GetAwaiter().GetResult());
    }

    /// <summary>Rank 1 never makes the call; another thread of rank 0 aborts.</summary>
    private static void Abort(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        if (group.Rank == 0)
        {
            place.Reduce();
            Thread operatorThread = new(() => group.Abort("the operator wants it"));
            operatorThread.Start();
            Step(0, "wait", place.Synchronize);
            operatorThread.Join();
        }
        else
            Step(1, "wait", () => group.Barrier());
        Afterwards(group.Rank, place);
    });

    private static void Cancel(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        if (group.Rank == 0)
        {
            place.Reduce();
            using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(50));
            Step(0, "cancelled", () => group.Synchronize(place.Stream, null, cancel.Token));
        }

        group.Barrier();
        if (group.Rank == 1)
            place.Reduce();
        Step(group.Rank, "completed", place.Synchronize);
    });

    /// <summary>Rank 0 is disposed by another thread while it waits inside NCCL for rank 1.</summary>
    private static void DisposeInFlight(GroupOptions options) => Threads(options, group =>
    {
        Place place = new(group);
        if (group.Rank == 1)
        {
            Step(1, "barrier", () => group.Barrier());
            return;
        }

        Thread caller = new(() => Step(0, "call", place.Reduce));
        caller.Start();
        Require(WaitFor(() => caller.ThreadState.HasFlag(ThreadState.Running) && StubLogHas("ncclAllReduce")), "the call does not begin");
        Step(0, "dispose", () => group.DisposeAsync().AsTask().GetAwaiter().GetResult());
        Step(0, "ends", () => Require(caller.Join(s_patience), "the call does not end"));
    });

    /// <summary>The group goes while graphs hold its calls (STUB_NCCL_GRAPH_REFS).</summary>
    private static void GraphsAlive(GroupOptions options)
    {
        List<IDisposable> alive = [];
        Threads(options, group =>
        {
            Place place = new(group);
            using GraphCapture capture = place.Stream.BeginCapture();
            place.Reduce();
            CudaGraph graph = capture.End();
            lock (alive)
                alive.Add(graph);
            group.Barrier();
            Step(group.Rank, "dispose", () => group.DisposeAsync().AsTask().GetAwaiter().GetResult());
        });
        Tell(0, "warning", WarningLog.Factory.Text);
        Step(0, "graphs end", () => alive.ForEach(graph => graph.Dispose()));
    }

    /// <summary>The group is aborted while rank 0 collects calls.</summary>
    private static void OpenBatch(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        Step(group.Rank, "batch", () =>
        {
            using DeviceBatch batch = group.DeviceBatch();
            place.Reduce();
            if (group.Rank == 0)
                group.Abort("in the middle of a batch");

            // Long enough for an abort that does not wait for the end of the batch.
            Require(WaitFor(() => group.DeviceCommunicator!.Fault is not null), "no fault");
            SpinWait.SpinUntil(() => StubLogHas("ncclCommAbort"), TimeSpan.FromMilliseconds(400));
            Tell(group.Rank, "the batch ends", "");
        });
        Step(group.Rank, "aborted", () => Require(WaitFor(() => StubLogHas("ncclCommAbort")), "the communicator is not aborted"));
        Step(group.Rank, "drain", () => Require(WaitFor(() => place.Stream.IsCompleted), "the stream does not drain"));
    });

    /// <summary>A child of the communicator outlives the group.</summary>
    private static void Child(GroupOptions options)
    {
        using Barrier meeting = new(2);
        Threads(options, group =>
        {
            int rank = group.Rank;
            using Place place = new(group);
            NcclCommunicator child = group.Nccl!.Split(0)!;
            Step(rank, "without a colour", () => Require(group.Nccl!.Split(rank == 0 ? null : 1) is var other && (other is null) == (rank == 0), "a child"));
            group.Barrier();
            group.DisposeAsync().AsTask().GetAwaiter().GetResult();
            meeting.SignalAndWait(s_patience);

            // The guard looks at the child without its group.
            SpinWait.SpinUntil(() => child.Fault is not null, TimeSpan.FromMilliseconds(300));
            Step(rank, "child reduces", () =>
            {
                child.AllReduce(place.Buffer.Pointer, place.Buffer.Pointer, place.Buffer.Length, DataType.Float32, ReduceOp.Max, place.Stream);
                place.Stream.Synchronize();
            });
            meeting.SignalAndWait(s_patience);
            child.Dispose();
            Step(rank, "child is disposed", () => child.AllReduce(place.Buffer.Pointer, place.Buffer.Pointer, 4, DataType.Float32, ReduceOp.Max, place.Stream));
        });
    }

    private static void Threads(GroupOptions options, Action<GroupCoordinator> body)
    {
        try
        {
            ThreadRanks.Run(2, body, options);
        }
        catch (CollectiveException)
        {
            // The ranks have said what they saw of it.
        }
    }

    private static bool StubLogHas(string call) => File.ReadAllText(Environment.GetEnvironmentVariable("STUB_NCCL_LOG")!).Contains(call, StringComparison.Ordinal);
}
