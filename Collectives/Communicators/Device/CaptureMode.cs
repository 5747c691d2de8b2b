using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What a thread may do while streams are captured, its own or those of others: what is no part of a capture takes <see cref="Relax"/>, and puts back what was.</summary>
internal static unsafe class CaptureMode
{
    /// <summary>Of this thread; returns the mode before.</summary>
    internal static CUstreamCaptureMode Relax() => Exchange(CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED);

    /// <summary>What allocates, frees or loads: a capture of another thread forbids it, unless this thread says that it is no part of that.</summary>
    internal static void Relaxed(Action action)
    {
        CUstreamCaptureMode mode = Relax();
        try
        {
            action();
        }
        finally
        {
            Exchange(mode);
        }
    }

    internal static CUstreamCaptureMode Exchange(CUstreamCaptureMode mode)
    {
        _ = CudaDriverNative.cuThreadExchangeStreamCaptureMode(&mode);
        return mode;
    }
}
