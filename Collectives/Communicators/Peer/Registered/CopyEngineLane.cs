using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The streams beside the caller's, and the events between the three. One lane for eager calls, one for captures: a stream that is being captured takes no other work.</summary>
internal sealed unsafe class CopyEngineLane : IDisposable
{
    private readonly CudaStream _contributions;
    private readonly CudaStream _results;
    private readonly CudaEvent[] _events;

    internal CopyEngineLane(CudaDevice device)
    {
        _contributions = device.CreateStream();
        _results = device.CreateStream();
        _events = [.. Enumerable.Range(0, 2 + (2 * CopyEnginePlan.MostPieces)).Select(_ => device.CreateEvent())];
    }

    internal nint Contributions => _contributions.Handle;

    internal nint Results => _results.Handle;

    /// <summary>The caller's stream has come to the call.</summary>
    internal CudaEvent Begun => _events[0];

    /// <summary>All results have been copied.</summary>
    internal CudaEvent Copied => _events[1];

    /// <summary>The contributions to a piece have been copied.</summary>
    internal CudaEvent Contributed(int piece) => _events[2 + piece];

    internal CudaEvent Reduced(int piece) => _events[2 + CopyEnginePlan.MostPieces + piece];

    /// <summary>Whether a call of this capture may use it: it may be part of another one that has not ended.</summary>
    internal bool IsFreeFor(nint stream) => CaptureOf(Contributions) is not { } own || own == CaptureOf(stream);

    /// <summary>Null: it is not being captured.</summary>
    internal static ulong? CaptureOf(nint stream)
    {
        CUstreamCaptureStatus status;
        ulong id;
        CUresult result = CudaDriverNative.cuStreamGetCaptureInfo_v2(stream, &status, &id, null, null, null);
        return result == CUresult.CUDA_SUCCESS && status == CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE ? id : null;
    }

    public void Dispose()
    {
        _contributions.Dispose();
        _results.Dispose();
        foreach (CudaEvent @event in _events)
            @event.Dispose();
    }
}
