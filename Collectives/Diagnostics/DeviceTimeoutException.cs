namespace CollectivesSharp;

/// <summary>Work on the device was not done before the deadline; the group is aborted.</summary>
public sealed class DeviceTimeoutException(string message, string group, string operation, long sequence)
    : CollectiveException(message, group, operation, sequence);
