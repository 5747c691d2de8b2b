namespace CollectivesSharp;

/// <summary>A rank ended, left or fell silent while the others needed it.</summary>
public sealed class PeerLostException(string message, string group, string operation, long sequence, IReadOnlyList<GroupMember> peers, PeerLossReason reason)
    : CollectiveException(message, group, operation, sequence)
{
    public PeerLossReason Reason { get; } = reason;

    /// <summary>The lost rank, or the first of several: its rank in the world.</summary>
    public int Rank => Peer.Rank;

    public string Host => Peer.Host;

    public int ProcessId => Peer.ProcessId;

    public GroupMember Peer => Peers[0];

    /// <summary>All that are missing: more than one only at a deadline.</summary>
    public IReadOnlyList<GroupMember> Peers { get; } = peers;
}
