using System.Globalization;
using CollectivesSharp.Topology;

namespace CollectivesSharp;

/// <summary>What a person should do something about.</summary>
internal static class PairWarnings
{
    internal static GroupTopologyWarning? Of(PairMeasurement pair, IReadOnlyList<GroupMember> members)
    {
        GroupMember from = members[pair.From], to = members[pair.To];
        string subject = $"{Describe(from)} to {Describe(to)}";
        if (pair is { WrongBytes: > 0, Transport: PairTransport.PeerMemory })
        {
            return Warn(TopologyWarningKind.PeerAccessFailed, $"P2P reported but the copy test failed: {pair.WrongBytes} bytes arrived wrong. An IOMMU or PCIe ACS sends peer writes astray: switch ACS off on the "
                + "bridges between the two, or the IOMMU in firmware; until then NCCL_P2P_DISABLE=1 keeps NCCL off this way");
        }

        if (pair.WrongBytes > 0)
            return Warn(TopologyWarningKind.PeerAccessFailed, $"{pair.WrongBytes} bytes of a copy by {pair.Transport} arrived wrong; please report it");
        if (pair.Transport == PairTransport.PeerMemory && pair.GigabytesPerSecond is { } measured && measured < pair.NominalGigabytesPerSecond / 2)
        {
            string advice = pair.Path == RankPath.PciePeer ? "; PCIe ACS that sends peer traffic over the root complex, or a link trained down, are the usual causes" : "; nvidia-smi nvlink -s shows each link";
            return Warn(TopologyWarningKind.PeerAccessSlow, string.Create(CultureInfo.InvariantCulture, $"{measured:0.0} of nominally {pair.NominalGigabytesPerSecond:0.0} GB/s{advice}"));
        }

        return null;

        GroupTopologyWarning Warn(TopologyWarningKind kind, string message) => new([from.Rank, to.Rank], new TopologyWarning(kind, subject, message));
    }

    /// <summary>Of pairs that the driver says reach each other, where none could be measured that way.</summary>
    internal static GroupTopologyWarning? OfAll(IReadOnlyList<PairMeasurement> pairs, IReadOnlyList<GroupMember> members, string? peerObjection)
    {
        int[] ranks = [.. pairs.Where(pair => pair.Path is RankPath.NvLink or RankPath.PciePeer && members[pair.From].NodeId == members[pair.To].NodeId).Select(pair => members[pair.From].Rank).Distinct().Order()];
        return peerObjection is null || ranks.Length == 0 ? null : new(ranks, new TopologyWarning(TopologyWarningKind.PeerAccessFailed, "peer access", $"P2P reported but it can't be used: {peerObjection}"));
    }

    private static string Describe(GroupMember member) => member.Device is { } device ? $"GPU {device.PciBusId}" : $"rank {member.Rank}";
}
