using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

// No native call of a hot path stands in a try block, which a using is: the stub that the JIT makes there allocates.
/// <summary>A mark on a stream: others wait for it, and two of them measure time. Any thread.</summary>
public sealed unsafe class CudaEvent : IDisposable
{
    private readonly EventHandle _event;

    internal CudaEvent(CudaDevice device, nint @event)
    {
        Device = device;
        _event = new EventHandle(device, @event);
    }

    public CudaDevice Device { get; }

    /// <summary>CUevent.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_event.IsClosed, this);
            return _event.DangerousGetHandle();
        }
    }

    /// <summary>True also if it was never recorded.</summary>
    public bool IsCompleted
    {
        get
        {
            nint @event = Handle;
            CudaContextScope scope = Device.MakeCurrent();
            CUresult result = CudaDriverNative.cuEventQuery(@event);
            scope.Dispose();
            if (result == CUresult.CUDA_ERROR_NOT_READY)
                return false;
            CudaCall.Check(result, "cuEventQuery(event)");
            return true;
        }
    }

    /// <summary>May be captured; then it marks a place in the capture, not in time.</summary>
    public void Record(CudaStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        nint @event = Handle, target = stream.Handle;
        CudaContextScope scope = Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuEventRecord(@event, target);
        scope.Dispose();
        CudaCall.Check(result, "cuEventRecord(event, stream)");
    }

    public void Synchronize()
    {
        using CudaContextScope scope = Device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuEventSynchronize(Handle));
    }

    /// <summary>The time on the device between two events with timing that have both completed; resolution half a microsecond.</summary>
    public TimeSpan ElapsedSince(CudaEvent start)
    {
        ArgumentNullException.ThrowIfNull(start);
        using CudaContextScope scope = Device.MakeCurrent();
        float milliseconds;
        CudaCall.Check(CudaDriverNative.cuEventElapsedTime(&milliseconds, start.Handle, Handle));
        return TimeSpan.FromMilliseconds(milliseconds);
    }

    public void Dispose() => _event.Dispose();

    private sealed class EventHandle : SafeHandle
    {
        private readonly CudaDevice _device;

        internal EventHandle(CudaDevice device, nint @event)
            : base(0, ownsHandle: true)
        {
            _device = device;
            SetHandle(@event);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            try
            {
                using CudaContextScope scope = _device.MakeCurrent();
                return CudaDriverNative.cuEventDestroy_v2(handle) == CUresult.CUDA_SUCCESS;
            }
            catch (CudaException)
            {
                return false;
            }
        }
    }
}
