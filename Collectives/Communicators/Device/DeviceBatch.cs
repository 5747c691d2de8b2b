namespace CollectivesSharp;

/// <summary>
/// Collects device calls of this thread until it is disposed and launches them together: sends and receives that need each other, many small calls as one. Calls of other
/// groups made meanwhile on this thread are collected too. They run at the same time: none may read or write what another one writes. Disposing throws what the launch reports. May be captured.
/// </summary>
public ref struct DeviceBatch
{
    private IDeviceCommunicator? _communicator;

    internal DeviceBatch(IDeviceCommunicator communicator)
    {
        communicator.BeginBatch();
        _communicator = communicator;
    }

    public void Dispose()
    {
        IDeviceCommunicator? communicator = _communicator;
        _communicator = null;
        communicator?.EndBatch();
    }
}
