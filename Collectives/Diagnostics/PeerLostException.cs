namespace CollectivesSharp;

/// <summary>A rank ended, left or fell silent while the others needed it.</summary>
public sealed class PeerLostException(string message, string group, string operation, long sequence, GroupMember peer, PeerLossReason reason)
    : CollectiveException(message, group, operation, sequence)
{
    public PeerLossReason Reason { get; } = reason;

    /// <summary>The lost rank: its rank in the world.</summary>
    public int Rank => Peer.Rank;

    public string Host => Peer.Host;

    public int ProcessId => Peer.ProcessId;

    public GroupMember Peer { get; } = peer;
}
