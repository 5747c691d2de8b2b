using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// Records what is enqueued on a stream, in place of running it: <c>using GraphCapture capture = stream.BeginCapture(); …; using CudaGraph graph = capture.End();</c>.
/// It begins and ends on one thread, in thread-local mode: allocations and synchronisation by this thread are refused and invalidate the capture, other threads are not
/// disturbed. Every rank of a group captures a collective or none does. Disposing without <see cref="End"/> throws the record away.
/// </summary>
public unsafe ref struct GraphCapture
{
    private CudaStream? _stream;

    internal GraphCapture(CudaStream stream)
    {
        using CudaContextScope scope = stream.Device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuStreamBeginCapture_v2(stream.Handle, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
        _stream = stream;
    }

    /// <summary>Whether work on the stream (a CUstream of a context current on this thread) is recorded now.</summary>
    public static bool IsCapturing(nint stream)
    {
        CUstreamCaptureStatus status;
        CudaCall.Check(CudaDriverNative.cuStreamIsCapturing(stream, &status));
        return status != CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE;
    }

    /// <summary>Ends the recording. Throws <see cref="CudaException"/> if something refused has invalidated it or a joined stream was not joined back.</summary>
    public CudaGraph End()
    {
        CudaStream stream = _stream ?? throw new InvalidOperationException("This capture has ended.");
        _stream = null;
        using CudaContextScope scope = stream.Device.MakeCurrent();
        nint graph = 0;
        CudaCall.Check(CudaDriverNative.cuStreamEndCapture(stream.Handle, &graph));
        return new CudaGraph(stream.Device, graph);
    }

    public void Dispose()
    {
        if (_stream is not { } stream)
            return;
        _stream = null;
        using CudaContextScope scope = stream.Device.MakeCurrent();
        nint graph = 0;
        if (CudaDriverNative.cuStreamEndCapture(stream.Handle, &graph) == CUresult.CUDA_SUCCESS)
            _ = CudaDriverNative.cuGraphDestroy(graph);
    }
}
