using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Keeps the calls of one group in order on the device, whichever streams they come on: the epochs of its peer memory follow each other. A call on the stream of the last one costs nothing. On another stream it waits
/// for what that one has enqueued so far, by an event; within one capture by edges. What runs when a graph is launched is the caller's to order.
/// </summary>
/// <remarks>The stream of the last call must still be there when the next call comes on another one, unless the group's Synchronize has seen its end. A context is current.</remarks>
internal sealed unsafe class StreamOrder(CudaDevice device) : IDisposable
{
    /// <summary>CU_STREAM_PER_THREAD names another stream in every thread.</summary>
    private const nint PerThread = 2;
    private const nint None = -1;

    private readonly CudaEvent _event = device.CreateEvent();

    /// <summary>Nothing has to be done for a call on this one.</summary>
    private nint _current = None;

    /// <summary>Of the last call that was no part of a capture as far as this knows; calls on the current stream are not looked at.</summary>
    private nint _eager = None;

    /// <summary>Of the last call that is known to be part of a capture, and which.</summary>
    private nint _captured = None;
    private ulong _capture;

    /// <summary>Before every launch.</summary>
    internal void Enter(nint stream)
    {
        if (stream != _current)
            Switch(stream);
    }

    /// <summary>After a launch: another thread could not find this thread's own stream again.</summary>
    internal void Leave(nint stream)
    {
        if (stream == PerThread)
            _ = CudaDriverNative.cuEventRecord(_event.Handle, stream);
    }

    /// <summary>All work of the stream is done.</summary>
    internal void HasDrained(nint stream)
    {
        if (stream == _eager)
            _eager = _current = None;
    }

    /// <summary>Whether the last eager call's stream has reached it; a stream that is gone counts as drained.</summary>
    internal bool IsDrained()
    {
        // A query would spoil a capture.
        if (_eager == None || (_eager != PerThread && CaptureOf(_eager, out _, out _) is not null))
            return true;
        CUresult result = _eager == PerThread ? CudaDriverNative.cuEventQuery(_event.Handle) : CudaDriverNative.cuStreamQuery(_eager);
        return result != CUresult.CUDA_ERROR_NOT_READY;
    }

    internal void Forget() => _current = _eager = _captured = None;

    public void Dispose() => _event.Dispose();

    private void Switch(nint stream)
    {
        if (CaptureOf(stream, out nint* nodes, out nuint count) is { } capture)
        {
            // The previous call of this capture came on the stream that is known, or on the current one, whose calls are not looked at.
            foreach (nint before in (ReadOnlySpan<nint>)[_captured, _eager])
            {
                if (before != None && before != stream && before != PerThread && (before != _captured || capture == _capture) && CaptureOf(before, out nodes, out count) == capture && count > 0)
                    Check(CudaDriverNative.cuStreamUpdateCaptureDependencies(stream, nodes, count, 0), "cuStreamUpdateCaptureDependencies");
            }

            (_captured, _capture, _current) = (stream, capture, None);
            return;
        }

        if (_eager != None && (_eager != stream || stream == PerThread))
        {
            if (_eager != PerThread)
            {
                if (CaptureOf(_eager, out _, out _) is not null)
                    throw new InvalidOperationException($"A call on stream 0x{stream:x} while stream 0x{_eager:x}, which had this group's last call, is being captured: the two can't be put in order. Use a sibling group.");
                CUresult recorded = CudaDriverNative.cuEventRecord(_event.Handle, _eager);
                if (recorded is CUresult.CUDA_ERROR_INVALID_HANDLE or CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED)
                    _eager = None; // Destroyed.
                else
                    Check(recorded, "cuEventRecord");
            }

            if (_eager != None)
                Check(CudaDriverNative.cuStreamWaitEvent(stream, _event.Handle, 0), "cuStreamWaitEvent");
        }

        _eager = stream;
        _current = stream == PerThread ? None : stream;
    }

    /// <summary>Null: it is not being captured, or gone.</summary>
    private static ulong? CaptureOf(nint stream, out nint* nodes, out nuint count)
    {
        CUstreamCaptureStatus status;
        ulong id;
        nint* found = null;
        nuint number = 0;
        CUresult result = CudaDriverNative.cuStreamGetCaptureInfo_v2(stream, &status, &id, null, &found, &number);
        nodes = found;
        count = number;
        return result == CUresult.CUDA_SUCCESS && status == CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE ? id : null;
    }

    private static void Check(CUresult result, string call)
    {
        if (result != CUresult.CUDA_SUCCESS)
            throw new CudaException($"Ordering a call after the group's last one on another stream: {call}: {result} ({(int)result}).", result);
    }
}
