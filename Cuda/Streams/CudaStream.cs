using System.Runtime.CompilerServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// A stream: work in order on one device. Converts to the raw handle (CUstream) wherever a call takes <c>nint stream</c>; another library's stream is taken over
/// by <see cref="FromHandle"/> or passed as its handle. Enqueueing from several threads is allowed and unordered between them. Disposing does not wait: what is enqueued still runs, and groups keep their order.
/// </summary>
public sealed unsafe class CudaStream : IDisposable
{
    private readonly CudaStreamHandle _stream;

    internal CudaStream(CudaDevice device, nint stream, bool owns)
    {
        Device = device;
        _stream = new CudaStreamHandle(device, stream, owns);
    }

    public CudaDevice Device { get; }

    /// <summary>CUstream. Throws <see cref="ObjectDisposedException"/> after Dispose.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_stream.IsClosed, this);
            return _stream.DangerousGetHandle();
        }
    }

    internal bool IsOpen => !_stream.IsClosed;

    /// <summary>True when everything enqueued so far is done. Throws the error of a kernel that failed.</summary>
    public bool IsCompleted
    {
        get
        {
            using CudaContextScope scope = Device.MakeCurrent();
            CUresult result = CudaDriverNative.cuStreamQuery(Handle);
            if (result == CUresult.CUDA_ERROR_NOT_READY)
                return false;
            CudaCall.Check(result, "cuStreamQuery(stream)");
            return true;
        }
    }

    public static implicit operator nint(CudaStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return stream.Handle;
    }

    /// <summary>Another owner's stream (a CUstream of this device's primary context; 0: the legacy default stream). Disposing leaves it alone.</summary>
    public static CudaStream FromHandle(CudaDevice device, nint stream)
    {
        ArgumentNullException.ThrowIfNull(device);
        return new CudaStream(device, stream, owns: false);
    }

    /// <summary>
    /// Waits until everything enqueued so far is done. Unbounded: where peers take part use <c>GroupCoordinator.Synchronize</c>, which has a deadline and sees faults.
    /// </summary>
    public void Synchronize()
    {
        using CudaContextScope scope = Device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuStreamSynchronize(Handle));
    }

    /// <summary>What is enqueued from now on runs after the event's last record. Joins this stream to a capture that the event was recorded in.</summary>
    public void Wait(CudaEvent @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        CudaContextScope scope = Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuStreamWaitEvent(Handle, @event.Handle, 0);
        scope.Dispose();
        CudaCall.Check(result, "cuStreamWaitEvent(stream, event, 0)");
    }

    /// <summary>Memory in stream order: usable by what is enqueued here from now on, freed on this stream, which must outlive it. May be captured.</summary>
    /// <exception cref="CudaException">No memory: the message tells how much is free.</exception>
    public DeviceBuffer<T> Allocate<T>(nuint length)
        where T : unmanaged
    {
        nuint bytes = checked(length * (nuint)Unsafe.SizeOf<T>());
        return new DeviceBuffer<T>(Device, DeviceMemoryKind.StreamOrdered, length, bytes == 0 ? null : DeviceMemoryHandle.StreamOrdered(this, bytes));
    }

    /// <summary>
    /// Starts to record this stream, and those that wait for an event of it. Throws <see cref="CudaException"/> if it is recorded already, or is the legacy default stream.
    /// </summary>
    public GraphCapture BeginCapture() => new(this);

    public void Dispose() => _stream.Dispose();

    public override string ToString() => $"stream 0x{_stream.DangerousGetHandle():x} of device {Device}";
}
