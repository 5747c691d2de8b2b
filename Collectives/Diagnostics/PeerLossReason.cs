namespace CollectivesSharp;

public enum PeerLossReason
{
    /// <summary>The operating system reports that its process has ended.</summary>
    ProcessEnded,

    /// <summary>It disposed the group and takes part in no further call.</summary>
    Left,

    /// <summary>Its machine or the way to it is gone: the connection timed out.</summary>
    Unreachable,

    /// <summary>It had not arrived when the deadline passed.</summary>
    Silent,
}
