namespace CollectivesSharp;

/// <summary>What a group and the <see cref="DeviceGuard"/> ask of the SDK's own device communicators.</summary>
internal interface IGuardedCommunicator
{
    /// <summary>This rank's last call, "" if there was none, and how many there were.</summary>
    (string Operation, long Sequence) LastCall { get; }

    /// <summary>How much longer than the device's deadline the host waits for the device itself to tell who was missing.</summary>
    TimeSpan Grace { get; }

    /// <summary>The guard's look. Any thread, also while the communicator is being disposed.</summary>
    void Look(bool thorough);

    /// <summary>After work has ended: what is wrong with it and shows only when asked for.</summary>
    void LookForErrors();
}
