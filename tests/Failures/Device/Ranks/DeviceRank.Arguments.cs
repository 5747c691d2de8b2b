using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Failures;

internal static unsafe partial class DeviceRank
{
    private const int HostBytes = 4096;

    /// <summary>Rank 0 does everything wrong, rank 1 takes part in what is right. With STUB_NCCL_LAZY_CONNECT, so that the first call waits for its peer.</summary>
    private static void Arguments(GroupOptions options)
    {
        using ManualResetEventSlim refused = new();
        Threads(options, group =>
        {
            using Place place = new(group);
            GroupCoordinator sibling = group.NewGroupAsync([0, 1]).GetAwaiter().GetResult();
            if (group.Rank == 0)
                ConcurrentCalls(place, refused);
            else
            {
                Require(refused.Wait(s_patience), "no call was refused");
                place.Reduce();
            }

            Step(group.Rank, "a thread that never touched CUDA", () => OnNewThread(place.Reduce));
            place.Synchronize();
            if (group.Rank == 0)
            {
                BadPointers(place);
                BadObjects(place);
                BadOperations(place, sibling);
                Captures(place);
            }

            group.Barrier();
            Step(group.Rank, "afterwards", () =>
            {
                place.Reduce();
                place.Synchronize();
            });
            sibling.DisposeAsync().AsTask().GetAwaiter().GetResult();
        });
    }

    private static void ConcurrentCalls(Place place, ManualResetEventSlim refused)
    {
        Thread[] callers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            try
            {
                place.Reduce();
            }
            catch (InvalidOperationException e)
            {
                Say(Report.Of(0, "concurrent calls", e, 0));
                refused.Set();
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => Require(caller.Join(s_patience), "a call hangs"));
    }

    private static void BadPointers(Place place)
    {
        nint host = (nint)NativeMemory.AllocZeroed(HostBytes), good = place.Buffer.Pointer;
        Step(0, "host pointer", () => place.Reduce(host));
        Step(0, "null pointer", () => place.Reduce(0));
        Step(0, "null pointer without elements", () => place.Reduce(0, 0));
        Step(0, "misaligned pointer", () => place.Reduce(good + 2));
        place.Group.Register(new DeviceSpan<byte>(good + 1, 16), RegistrationKind.Local).Dispose();
        Step(0, "misaligned pointer that was good for bytes", () => place.Reduce(good + 1));
        CudaDevice other = CudaDevice.Get(1);
        using DeviceBuffer<float> theirs = other.Allocate<float>(16);
        using CudaStream theirStream = other.CreateStream();
        Step(0, "memory of another device", () => place.Reduce(theirs.Pointer));
        Step(0, "stream of another device", () => place.Reduce(good, stream: theirStream.Handle));
        Step(0, "stream of another device for NCCL", () => place.Group.Send(place.Buffer.Span, 1, theirStream));
        Step(0, "no stream", () => place.Reduce(good, stream: host));
        Step(0, "barrier on a stream of another device", () => place.Group.Barrier(theirStream));
        Step(0, "count overflow", () => place.Reduce(good, nuint.MaxValue / 4));
        Step(0, "span overflow", () => _ = new DeviceSpan<float>(good, nuint.MaxValue / 4));
        Step(0, "overlap", () => place.Group.AllReduce(place.Buffer.Span.Slice(0, 8), place.Buffer.Span.Slice(4, 8), ReduceOp.Sum, place.Stream));
        Step(0, "out of memory", () => place.Device.Allocate<double>((nuint)1 << 40));
        Step(0, "ordinal out of range", () => CudaDevice.Get(7));
        NativeMemory.Free((void*)host);
    }

    private static void BadObjects(Place place)
    {
        DeviceBuffer<float> buffer = place.Device.Allocate<float>(4);
        CudaStream stream = place.Device.CreateStream();
        CudaGraphExec graph;
        using (GraphCapture capture = stream.BeginCapture())
        {
            buffer.Span.Clear(stream);
            using CudaGraph recorded = capture.End();
            graph = recorded.Instantiate();
        }

        buffer.Dispose();
        graph.Dispose();
        Step(0, "disposed graph", () => graph.Launch(stream));
        stream.Dispose();
        Step(0, "disposed buffer", () => place.Group.AllReduce<float>(buffer, buffer, ReduceOp.Sum, place.Stream));
        Step(0, "disposed stream", () => place.Group.AllReduce<float>(place.Buffer, place.Buffer, ReduceOp.Sum, stream));
        Step(0, "disposed stream, synchronise", () => place.Group.Synchronize(stream));
    }

    private static void BadOperations(Place place, GroupCoordinator sibling)
    {
        using PremultipliedSum foreign = sibling.CreatePremultipliedSum(2f), doubles = place.Group.CreatePremultipliedSum(2.0), other = new OtherSum();
        PremultipliedSum disposed = place.Group.CreatePremultipliedSum(2f);
        disposed.Dispose();
        Step(0, "scaled sum of another group", () => Reduce(foreign));
        Step(0, "scaled sum of another type", () => Reduce(doubles));
        Step(0, "scaled sum of another library", () => Reduce(other));
        Step(0, "disposed scaled sum", () => Reduce(disposed));
        Step(0, "no such reduction", () => Reduce((ReduceOp)77));
        Step(0, "no such root", () => place.Group.Broadcast(place.Buffer.Span, 2, place.Stream));
        Step(0, "registration of nothing", () => place.Group.Register(place.Buffer.Span.Slice(0, 0)));
        Step(0, "registration of host memory", () => place.Group.Register(new DeviceSpan<byte>((nint)Environment.ProcessId << 20, 16), RegistrationKind.Local));
        Step(0, "exception in a batch", () =>
        {
            using DeviceBatch batch = place.Group.DeviceBatch();
            throw new InvalidTimeZoneException("the user's own");
        });
        Step(0, "end without a batch", () => place.Group.DeviceCommunicator!.EndBatch());
        sibling.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Step(0, "disposed group", () => sibling.AllReduce<float>(place.Buffer, place.Buffer, ReduceOp.Sum, place.Stream));
        Step(0, "disposed group, batch", () => sibling.DeviceBatch().Dispose());
        Step(0, "disposed group, synchronise", () => sibling.Synchronize(place.Stream));

        void Reduce(DeviceReduceOp op) => place.Group.AllReduce<float>(place.Buffer, place.Buffer, op, place.Stream);
    }

    private static void Captures(Place place)
    {
        Step(0, "synchronise a capture", () =>
        {
            using GraphCapture capture = place.Stream.BeginCapture();
            place.Synchronize();
        });
        Step(0, "allocation in a capture", () =>
        {
            using GraphCapture capture = place.Stream.BeginCapture();
            place.Device.Allocate<float>(4).Dispose();
        });
        Step(0, "end of an invalid capture", () =>
        {
            using GraphCapture capture = place.Stream.BeginCapture();
            try
            {
                place.Device.Allocate<float>(4).Dispose();
            }
            catch (CudaException)
            {
                // Said by the step before.
            }

            capture.End().Dispose();
        });
        Step(0, "capture thrown away", () =>
        {
            using (GraphCapture capture = place.Stream.BeginCapture())
                place.Buffer.Span.Clear(place.Stream);
            place.Stream.Synchronize();
        });
        Step(0, "end of an ended capture", () =>
        {
            using GraphCapture capture = place.Stream.BeginCapture();
            capture.End().Dispose();
            capture.End().Dispose();
        });
    }

    /// <summary>A group of one copies, and refuses what others refuse.</summary>
    private static void Alone(GroupOptions options) => ThreadRanks.Run(1, AloneOn, options);

    private static void AloneOn(GroupCoordinator group)
    {
        using Place place = new(group);
        nint host = (nint)NativeMemory.AllocZeroed(HostBytes);
        Step(0, "reduce", () =>
        {
            using DeviceBuffer<float> output = place.Device.Allocate<float>(256);
            group.AllReduce<float>(place.Buffer, output, ReduceOp.Sum, place.Stream);
            place.Synchronize();
        });
        Step(0, "host pointer", () => place.Reduce(host));
        Step(0, "misaligned pointer", () => place.Reduce(place.Buffer.Pointer + 1));
        Step(0, "count overflow", () => place.Reduce(place.Buffer.Pointer, nuint.MaxValue / 4));
        Step(0, "no such reduction", () => group.AllReduce<float>(place.Buffer, place.Buffer, (ReduceOp)77, place.Stream));
        using (PremultipliedSum other = new OtherSum())
            Step(0, "scaled sum", () => group.AllReduce<float>(place.Buffer, place.Buffer, other, place.Stream));
        Step(0, "scaled sum is made", () => group.CreatePremultipliedSum(2f));
        Step(0, "registration of nothing", () => group.Register(place.Buffer.Span.Slice(0, 0)));
        group.Abort("enough");
        Step(0, "aborted", place.Reduce);
    }

    private static void OnNewThread(Action action)
    {
        Exception? thrown = null;
        Thread thread = new(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                thrown = e;
            }
        });
        thread.Start();
        Require(thread.Join(s_patience), "the call hangs");
        if (thrown is not null)
            throw thrown;
    }

    private sealed class OtherSum : PremultipliedSum
    {
        public override DataType Type => DataType.Float32;

        public override void Dispose()
        {
        }
    }
}
