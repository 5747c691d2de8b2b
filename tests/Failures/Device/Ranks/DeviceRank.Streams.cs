using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Failures;

/// <summary>Streams that end before the group that had its last call on them.</summary>
internal static partial class DeviceRank
{
    /// <summary>Rank 0 disposes the stream while its kernel waits there for rank 1, and then the group: "dispose", "warning".</summary>
    private static void DisposedStream(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        group.Prepare([DataType.Float32], [ReduceOp.Max]);
        group.Barrier();
        if (group.Rank == 1)
        {
            Step(1, "barrier", () => group.Barrier());
            return;
        }

        using (CudaStream stream = place.Device.CreateStream())
            place.Reduce(place.Buffer.Pointer, stream: stream.Handle);
        Step(0, "dispose", () => group.DisposeAsync().AsTask().GetAwaiter().GetResult());
        Tell(0, "warning", WarningLog.Factory.Text);
    });

    /// <summary>Rank 0's stream is another library's, which destroys it after a wait that the group's fault has ended: "wait", "drain", "dispose".</summary>
    private static void ForeignStream(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        group.Prepare([DataType.Float32], [ReduceOp.Max]);
        group.Barrier();
        if (group.Rank == 1)
        {
            Step(1, "barrier", () => group.Barrier());
            return;
        }

        using DeviceBuffer<uint> word = place.Device.AllocateFrom([0u]);
        nint stream = CreateForeignStream(place.Device);
        place.Reduce(place.Buffer.Pointer, stream: stream);

        // Behind the kernel, which leaves at once: the wait must be ended by the fault, not by the stream.
        HoldUp(place.Device, stream, word);
        group.Abort("the operator wants it");
        Step(0, "wait", () => group.Synchronize(stream));
        word.CopyFrom([1u]);
        using (CudaStream foreign = CudaStream.FromHandle(place.Device, stream))
            Step(0, "drain", () => Require(WaitFor(() => foreign.IsCompleted), "the stream does not drain"));
        DestroyForeignStream(place.Device, stream);
        Step(0, "dispose", () => group.DisposeAsync().AsTask().GetAwaiter().GetResult());
    });

    private static unsafe nint CreateForeignStream(CudaDevice device)
    {
        using CudaContextScope scope = device.MakeCurrent();
        nint stream;
        Require(CudaDriverNative.cuStreamCreate(&stream, (uint)CUstream_flags.CU_STREAM_NON_BLOCKING) == CUresult.CUDA_SUCCESS, "no stream");
        return stream;
    }

    /// <summary>Until the word is 1.</summary>
    private static void HoldUp(CudaDevice device, nint stream, DeviceBuffer<uint> word)
    {
        using CudaContextScope scope = device.MakeCurrent();
        Require(CudaDriverNative.cuStreamWaitValue32_v2(stream, word.Pointer, 1, (uint)CUstreamWaitValue_flags.CU_STREAM_WAIT_VALUE_EQ) == CUresult.CUDA_SUCCESS, "the stream does not wait");
    }

    private static void DestroyForeignStream(CudaDevice device, nint stream)
    {
        using CudaContextScope scope = device.MakeCurrent();
        Require(CudaDriverNative.cuStreamDestroy_v2(stream) == CUresult.CUDA_SUCCESS, "the stream is not destroyed");
    }
}
