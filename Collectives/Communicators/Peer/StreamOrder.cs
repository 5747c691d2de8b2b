using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Keeps the calls of one group in order on the device, whichever streams they come on: the epochs of its peer memory follow each other. A call on the stream of the last one costs nothing. On another stream it waits
/// for what that one has enqueued so far, by an event; within one capture by edges. What runs when a graph is launched is the caller's to order.
/// </summary>
/// <remarks>
/// A <see cref="CudaStream"/> may end at any time: the event is recorded on it in its last moment (<see cref="CudaDevice.StreamEnding"/>), and never on every call, which would cost the device a microsecond. A raw handle of
/// a stream made elsewhere must live until the next call on another stream, or <see cref="LetGo"/>. A context is current, except for Forget, HasDrained and Dispose.
/// </remarks>
internal sealed unsafe class StreamOrder : IDisposable
{
    /// <summary>CU_STREAM_PER_THREAD names another stream in every thread.</summary>
    private const nint PerThread = 2;
    private const nint None = -1;

    /// <summary>In place of a stream: the event stands behind its calls, and it may be gone.</summary>
    private const nint Recorded = -2;

    private readonly CudaDevice _device;
    private readonly CudaEvent _event;

    /// <summary>Calls come one at a time; a stream may end meanwhile on any thread, the finaliser's too.</summary>
    private readonly Lock _lock = new();

    /// <summary>Nothing has to be done for a call on this one.</summary>
    private nint _current = None;

    /// <summary>Of the last call that was no part of a capture as far as this knows; calls on the current stream are not looked at.</summary>
    private nint _eager = None;

    /// <summary>Of the last call that is known to be part of a capture, and which.</summary>
    private nint _captured = None;
    private ulong _capture;

    /// <summary>The call that runs is on a thread's own stream, and not captured.</summary>
    private bool _recordsBehind;

    internal StreamOrder(CudaDevice device)
    {
        (_device, _event) = (device, device.CreateEvent());
        device.StreamEnding += LetGo;
    }

    /// <summary>A call on it has nothing to wait for.</summary>
    internal bool IsCurrent(nint stream) => stream == _current;

    /// <summary>The call that runs wants <see cref="Leave"/>.</summary>
    internal bool RecordsBehind(nint stream) => stream == PerThread && _recordsBehind;

    /// <summary>Before every launch.</summary>
    internal void Enter(nint stream)
    {
        if (!IsCurrent(stream))
            EnterAnother(stream);
    }

    /// <summary>After a launch: another thread could not find this thread's own stream again.</summary>
    internal void Leave(nint stream)
    {
        if (!RecordsBehind(stream))
            return;
        _ = CudaDriverNative.cuEventRecord(_event.Handle, stream);
        _recordsBehind = false;
    }

    /// <summary>All work of the stream is done.</summary>
    internal void HasDrained(nint stream)
    {
        lock (_lock)
        {
            if (stream == _eager)
                _eager = _current = None;
        }
    }

    /// <summary>The stream is still there, and may end without another word. Any thread.</summary>
    internal void LetGo(nint stream)
    {
        lock (_lock)
        {
            // The next stream may get the same handle.
            if (stream == _current)
                _current = None;
            if (stream == _captured)
                _captured = None;
            if (stream == _eager)
                _eager = Record(stream) ? Recorded : None;
        }
    }

    /// <summary>Whether the last eager call's stream has reached it.</summary>
    internal bool IsDrained()
    {
        lock (_lock)
            return AskDevice();
    }

    internal void Forget()
    {
        lock (_lock)
            _current = _eager = _captured = None;
    }

    public void Dispose()
    {
        _device.StreamEnding -= LetGo;
        Forget();
        _event.Dispose();
    }

    /// <summary>The native calls stay out of the lock's try block, where the JIT would make stubs of them, which allocate.</summary>
    private void EnterAnother(nint stream)
    {
        lock (_lock)
            Switch(stream);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Switch(nint stream)
    {
        _recordsBehind = false;
        if (CaptureOf(stream, out nint* nodes, out nuint count) is { } capture)
        {
            // The previous call of this capture came on the stream that is known, or on the current one, whose calls are not looked at.
            foreach (nint before in (ReadOnlySpan<nint>)[_captured, _eager])
            {
                if (before is not (None or Recorded or PerThread) && before != stream && (before != _captured || capture == _capture) && CaptureOf(before, out nodes, out count) == capture && count > 0)
                    Check(CudaDriverNative.cuStreamUpdateCaptureDependencies(stream, nodes, count, 0), "cuStreamUpdateCaptureDependencies");
            }

            (_captured, _capture, _current) = (stream, capture, None);
            return;
        }

        if (_eager != None && _eager != stream)
        {
            if (_eager != Recorded)
            {
                if (CaptureOf(_eager, out _, out _) is not null)
                    throw new InvalidOperationException($"A call on stream 0x{stream:x} while stream 0x{_eager:x}, which had this group's last call, is being captured: the two can't be put in order. Use a sibling group.");
                Check(CudaDriverNative.cuEventRecord(_event.Handle, _eager), "cuEventRecord");
            }

            Check(CudaDriverNative.cuStreamWaitEvent(stream, _event.Handle, 0), "cuStreamWaitEvent");
        }

        _recordsBehind = stream == PerThread;
        _eager = _recordsBehind ? Recorded : stream;
        _current = _recordsBehind ? None : stream;
    }

    /// <summary>False: it is being captured, and takes the capture along; or its context has failed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Record(nint stream) => CaptureOf(stream, out _, out _) is null && CudaDriverNative.cuEventRecord(_event.Handle, stream) == CUresult.CUDA_SUCCESS;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AskDevice() => _eager switch
    {
        None => true,
        Recorded => CudaDriverNative.cuEventQuery(_event.Handle) != CUresult.CUDA_ERROR_NOT_READY,

        // A query would spoil a capture.
        _ => CaptureOf(_eager, out _, out _) is not null || CudaDriverNative.cuStreamQuery(_eager) != CUresult.CUDA_ERROR_NOT_READY,
    };

    /// <summary>Null: it is not being captured.</summary>
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
