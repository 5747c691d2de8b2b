using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The streams beside the caller's, and the events between the three, for calls that are not captured.</summary>
internal sealed class CopyEngineLane : IDisposable
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

    public void Dispose()
    {
        _contributions.Dispose();
        _results.Dispose();
        foreach (CudaEvent @event in _events)
            @event.Dispose();
    }
}
