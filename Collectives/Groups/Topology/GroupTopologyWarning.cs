using CollectivesSharp.Topology;

namespace CollectivesSharp;

/// <summary>A warning with the ranks whose machine it is of.</summary>
public sealed record GroupTopologyWarning(IReadOnlyList<int> Ranks, TopologyWarning Warning)
{
    public override string ToString() => $"{GroupMember.NameRanks(Ranks)}: {Warning}";
}
