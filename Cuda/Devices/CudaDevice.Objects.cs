using System.Runtime.CompilerServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

public sealed unsafe partial class CudaDevice
{
    /// <param name="length">In elements; 0 is allowed and owns nothing.</param>
    /// <param name="kind">Plain or Shareable; stream-ordered memory comes from <see cref="CudaStream.Allocate"/>.</param>
    /// <exception cref="CudaException">No memory: the message tells how much is free.</exception>
    /// <exception cref="OverflowException">More bytes than an address can count.</exception>
    public DeviceBuffer<T> Allocate<T>(nuint length, DeviceMemoryKind kind = DeviceMemoryKind.Plain)
        where T : unmanaged
    {
        nuint bytes = checked(length * (nuint)Unsafe.SizeOf<T>());
        DeviceMemoryHandle? memory = kind switch
        {
            DeviceMemoryKind.Plain => bytes == 0 ? null : DeviceMemoryHandle.Plain(this, bytes),
            DeviceMemoryKind.Shareable => bytes == 0 ? null : DeviceMemoryHandle.Shareable(this, bytes),
            DeviceMemoryKind.StreamOrdered => throw new ArgumentException($"{kind} memory is allocated on a stream: {nameof(CudaStream)}.{nameof(CudaStream.Allocate)}.", nameof(kind)),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such kind of memory."),
        };
        return new DeviceBuffer<T>(this, kind, length, memory);
    }

    /// <summary>A plain buffer with this content.</summary>
    public DeviceBuffer<T> AllocateFrom<T>(ReadOnlySpan<T> content)
        where T : unmanaged
    {
        DeviceBuffer<T> buffer = Allocate<T>((nuint)content.Length);
        try
        {
            buffer.CopyFrom(content);
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>A stream that does not synchronise with the legacy default stream. A small kernel of the driver's, a fill, is enqueued on it: the first one may wait for others of the device, and nobody waits for this one.</summary>
    /// <remarks>
    /// On H200s the first kernel of a stream was seen not to start while others of the same context ran, in one of twenty processes, of streams behind the first few. Where ranks share a device those wait for a kernel of
    /// the stream's rank, and nothing goes on until the deadline. Of streams that had run something none was held back. So ranks that share a device make their streams before any of them calls, and let those that were made
    /// elsewhere run something.
    /// </remarks>
    /// <param name="priority">Lower runs first: 0 is the least, -5 the greatest on current GPUs; the driver clamps.</param>
    public CudaStream CreateStream(int priority = 0)
    {
        using CudaContextScope scope = MakeCurrent();
        nint scratch = Scratch, handle;
        CudaCall.Check(CudaDriverNative.cuStreamCreateWithPriority(&handle, (uint)CUstream_flags.CU_STREAM_NON_BLOCKING, priority));
        CudaStream stream = new(this, handle, owns: true);
        CUresult result = CudaDriverNative.cuMemsetD32Async(scratch, 0, ScratchWords, handle);
        if (result != CUresult.CUDA_SUCCESS)
        {
            stream.Dispose();
            CudaCall.Throw(result, "The first kernel of a stream");
        }

        return stream;
    }

    /// <param name="timing">Off is cheaper where only order matters.</param>
    public CudaEvent CreateEvent(bool timing = false)
    {
        using CudaContextScope scope = MakeCurrent();
        nint @event;
        CudaCall.Check(CudaDriverNative.cuEventCreate(&@event, (uint)(timing ? CUevent_flags.CU_EVENT_DEFAULT : CUevent_flags.CU_EVENT_DISABLE_TIMING)));
        return new CudaEvent(this, @event);
    }
}
