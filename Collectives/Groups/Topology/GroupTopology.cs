using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CollectivesSharp.Topology;

namespace CollectivesSharp;

/// <summary>
/// Every rank's view of its machine, put together: who shares a node, who an NVLink domain, and what lies between any two ranks. Equal on all members of the group, for it
/// is made from the same texts. Immutable; indexes are ranks in the group.
/// </summary>
public sealed class GroupTopology
{
    private readonly IReadOnlyList<GroupMember> _members;

    internal GroupTopology(IReadOnlyList<GroupMember> members, IReadOnlyList<RankTopology> ranks)
    {
        _members = members;
        Ranks = ranks;
        Nodes = [.. Indexes.GroupBy(rank => members[rank].NodeId, StringComparer.Ordinal).Select(group => (IReadOnlyList<int>)[.. group])];
        NvLinkDomains = Domains();
        Warnings = Collect();
        Fingerprint = MakeFingerprint();
    }

    /// <summary>What each member told, in the order of the group.</summary>
    public IReadOnlyList<RankTopology> Ranks { get; }

    /// <summary>The group's ranks by node, nodes in the order of their first rank.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Nodes { get; }

    /// <summary>Ranks that reach each other over NVLink, directly or through switches; a rank without NVLink is a domain of its own.</summary>
    public IReadOnlyList<IReadOnlyList<int>> NvLinkDomains { get; }

    /// <summary>A node's warnings once, with its ranks (in the world), then those of the group.</summary>
    public IReadOnlyList<GroupTopologyWarning> Warnings { get; }

    /// <summary>
    /// 32 hex digits, equal for groups that tables and caches can be shared between: GPU models, which ranks share a node, the path of every pair, driver, NCCL and SDK version.
    /// No names or addresses go into it.
    /// </summary>
    public string Fingerprint { get; }

    private IEnumerable<int> Indexes => Enumerable.Range(0, _members.Count);

    /// <summary>The best path between two members of the group.</summary>
    public RankPath PathBetween(int first, int second)
    {
        GroupMember a = _members[first], b = _members[second];
        RankTopology viewA = Ranks[first], viewB = Ranks[second];
        if (first == second || (a.NodeId == b.NodeId && a.Device is not null && a.Device.Uuid == b.Device?.Uuid))
            return RankPath.Same;
        if (a.NodeId == b.NodeId)
        {
            // Each side's word counts: what one driver allows and the other refuses is refused.
            string? there = Peer(viewA, b), back = Peer(viewB, a);
            return there is null || back is null ? RankPath.HostMemory : there == "P2P" || back == "P2P" ? RankPath.PciePeer : RankPath.NvLink;
        }

        if (viewA.Fabric is { } fabric && fabric == viewB.Fabric)
            return RankPath.NvLink;
        bool Both(AdapterKind kind) => viewA.Adapters.Any(adapter => adapter.Active && adapter.Kind == kind) && viewB.Adapters.Any(adapter => adapter.Active && adapter.Kind == kind);
        return Both(AdapterKind.InfiniBand) ? RankPath.InfiniBand : Both(AdapterKind.RoceV2) || Both(AdapterKind.RoceV1) ? RankPath.Roce : RankPath.Tcp;
    }

    /// <summary>
    /// What the path from one member's GPU to another's promises, in GB/s, one direction; 0 where nothing tells. Inside a node NVLinks or the narrower PCIe link, between nodes the slower one of both nearest adapters.
    /// </summary>
    public double NominalBandwidth(int from, int to)
    {
        switch (PathBetween(from, to))
        {
            case RankPath.NvLink or RankPath.PciePeer or RankPath.HostMemory when _members[from].NodeId == _members[to].NodeId:
                return PciAddress.TryParse(_members[to].Device?.PciBusId, out PciAddress address) ? Ranks[from].Bandwidths.GetValueOrDefault(address.ToString()) : 0;
            case RankPath.InfiniBand or RankPath.Roce:
                return Math.Min(Rate(Ranks[from]), Rate(Ranks[to]));
            default:
                return 0;
        }

        static double Rate(RankTopology rank) => (rank.Adapters.FirstOrDefault(adapter => adapter.Name == rank.NearestAdapter)?.GigabitsPerSecond ?? 0) / 8;
    }

    private static string? Peer(RankTopology from, GroupMember to) =>
        PciAddress.TryParse(to.Device?.PciBusId, out PciAddress address) ? from.Peers.GetValueOrDefault(address.ToString()) : null;

    private List<IReadOnlyList<int>> Domains()
    {
        List<List<int>> domains = [];
        foreach (int rank in Indexes)
        {
            List<List<int>> joined = [.. domains.Where(domain => domain.Any(other => PathBetween(rank, other) is RankPath.Same or RankPath.NvLink))];
            List<int> merged = [.. joined.SelectMany(domain => domain), rank];
            merged.Sort();
            domains.RemoveAll(joined.Contains);
            domains.Add(merged);
        }

        return [.. domains.OrderBy(domain => domain[0])];
    }

    private List<GroupTopologyWarning> Collect()
    {
        List<GroupTopologyWarning> warnings = [];
        foreach (IReadOnlyList<int> node in Nodes)
        {
            warnings.AddRange(node.SelectMany(rank => Ranks[rank].Warnings.Select(warning => (warning, World: _members[rank].Rank))).GroupBy(item => item.warning, item => item.World)
                .Select(group => new GroupTopologyWarning([.. group.Distinct().Order()], group.Key)));
        }

        Differ("NVIDIA driver", rank => Ranks[rank].Driver);
        Differ("GPU model", rank => _members[rank].Device?.Name ?? "none");
        return warnings;

        void Differ(string what, Func<int, string> value)
        {
            IGrouping<string, int>[] groups = [.. Indexes.GroupBy(value, StringComparer.Ordinal)];
            if (groups.Length > 1)
            {
                string list = string.Join("; ", groups.Select(group => $"{GroupMember.NameRanks(group.Select(rank => _members[rank].Rank))}: {(group.Key.Length > 0 ? group.Key : "none")}"));
                warnings.Add(new GroupTopologyWarning([.. _members.Select(member => member.Rank)], new TopologyWarning(TopologyWarningKind.Contradiction, what, $"it is not the same on all ranks ({list}); the slowest sets the pace")));
            }
        }
    }

    private string MakeFingerprint()
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"SDK {GroupAgreement.SdkVersion}\n");
        foreach (int rank in Indexes)
        {
            int node = Nodes.Index().First(item => item.Item.Contains(rank)).Index;
            text.Append(CultureInfo.InvariantCulture, $"{_members[rank].Device?.Name ?? "host"}|node {node}|driver {Ranks[rank].Driver}|NCCL {_members[rank].Nccl?.Version ?? 0}|");
            text.AppendJoin(' ', Indexes.Select(other => PathBetween(rank, other) is RankPath.NvLink && Peer(Ranks[rank], _members[other]) is { } label ? label : PathBetween(rank, other).ToString())).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16));
    }
}
