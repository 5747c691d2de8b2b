using CollectivesSharp.Topology;
using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class GroupTopologyTests
{
    [Fact]
    public void Ranks_of_a_node_are_joined_by_NVLink_by_PCIe_or_by_host_memory()
    {
        GroupTopology pair = Of(("a", "a100-bridge-pair", [0, 1, 2]));
        Assert.Equal((RankPath.Same, RankPath.NvLink, RankPath.PciePeer), (pair.PathBetween(0, 0), pair.PathBetween(0, 1), pair.PathBetween(0, 2)));
        Assert.Equal([[0, 1], [2]], pair.NvLinkDomains);

        GroupTopology mesh = Of(("a", "v100-cube-mesh", [0, 4, 7]));
        Assert.Equal((RankPath.HostMemory, RankPath.NvLink, RankPath.NvLink), (mesh.PathBetween(0, 1), mesh.PathBetween(0, 2), mesh.PathBetween(1, 2)));
        Assert.Equal([[0, 1, 2]], mesh.NvLinkDomains);
    }

    [Fact]
    public void Ranks_of_two_nodes_are_joined_by_what_both_have()
    {
        Assert.Equal(RankPath.InfiniBand, Of(("a", "dgx-a100", [0]), ("b", "h100-infiniband-rails", [0])).PathBetween(0, 1));
        Assert.Equal(RankPath.Roce, Of(("a", "dgx-a100", [0]), ("b", "b300-roce-bonds", [0])).PathBetween(0, 1));
        Assert.Equal(RankPath.Tcp, Of(("a", "dgx-a100", [0]), ("b", "h100-vm", [0])).PathBetween(0, 1));
        // RDMA adapters whose ports are all down.
        Assert.Equal(RankPath.Tcp, Of(("a", "asus-rtx6000-two-sockets", [0]), ("b", "b300-roce-bonds", [0])).PathBetween(0, 1));
    }

    [Fact]
    public void An_NVLink_fabric_joins_hosts_and_one_that_ends_in_each_host_does_not()
    {
        GroupTopology fabric = Of(("a", "gb200-fabric", [0, 1]), ("b", "gb200-fabric", [0, 1]));
        Assert.Equal([[0, 1], [2, 3]], fabric.Nodes);
        Assert.Equal([[0, 1, 2, 3]], fabric.NvLinkDomains);
        GroupTopology two = Of(("a", "h100-vm", [0, 1]), ("b", "h100-vm", [0, 1]));
        Assert.Equal([[0, 1], [2, 3]], two.NvLinkDomains);
        Assert.Equal(RankPath.Tcp, two.PathBetween(0, 2));
    }

    [Fact]
    public void Each_GPU_has_the_nearest_active_adapter_and_its_rail()
    {
        GroupTopology topology = Of(("a", "h100-infiniband-rails", [0, 1, 4, 7]));

        Assert.Equal(["mlx5_0", "mlx5_3", "mlx5_6", "mlx5_11"], topology.Ranks.Select(rank => rank.NearestAdapter));
        Assert.Equal([0, 1, 4, 7], topology.Ranks.Select(rank => rank.Rail!.Value));
        Assert.Null(Of(("a", "h100-vm", [0])).Ranks[0].Rail);
    }

    [Fact]
    public void The_fingerprint_depends_on_models_paths_and_versions_and_not_on_names()
    {
        string one = Of(("a", "dgx-a100", [0, 1]), ("b", "dgx-a100", [0, 1])).Fingerprint;

        Assert.Equal(32, one.Length);
        Assert.Equal(one, Of(("c", "dgx-a100", [2, 3]), ("d", "dgx-a100", [4, 5])).Fingerprint);
        Assert.NotEqual(one, Of(("a", "dgx-a100", [0, 1, 2, 3])).Fingerprint);
        Assert.NotEqual(one, Of(("a", "h100-infiniband-rails", [0, 1]), ("b", "h100-infiniband-rails", [0, 1])).Fingerprint);
    }

    [Fact]
    public void A_nodes_warning_is_given_once_with_its_ranks_and_what_differs_between_ranks_is_said()
    {
        GroupTopology topology = Of(("a", "a100-bridge-pair", [0, 1]), ("b", "v100-cube-mesh", [0]));

        Assert.Equal([0, 1], Assert.Single(topology.Warnings, warning => warning.Warning.Kind == TopologyWarningKind.PortDown).Ranks);
        Assert.Contains(topology.Warnings, warning => warning.ToString().Contains("NVIDIA driver: it is not the same on all ranks (ranks 0, 1: 560.35.03; rank 2: 470.57.02)", StringComparison.Ordinal));
    }

    [Fact]
    public void Host_ranks_gather_over_the_store_and_all_know_the_same()
    {
        GroupTopology[] gathered = new GroupTopology[4];
        ThreadRanks.Run(
            4,
            group =>
            {
                gathered[group.RankInGroup] = group.GatherTopologyAsync(Machine("made-up-no-gpu")).GetAwaiter().GetResult();
                gathered[group.RankInGroup] = group.GatherTopologyAsync(Machine(group.RankInGroup == 3 ? "h100-vm" : "made-up-no-gpu")).GetAwaiter().GetResult();
            },
            rank => new GroupOptions { HostId = $"node {rank / 2}" });

        Assert.All(gathered, topology => Assert.Equal(gathered[0].Fingerprint, topology.Fingerprint));
        Assert.Equal([[0, 1], [2, 3]], gathered[2].Nodes);
        Assert.Equal((RankPath.HostMemory, RankPath.Roce, RankPath.Tcp), (gathered[1].PathBetween(0, 1), gathered[1].PathBetween(0, 2), gathered[1].PathBetween(0, 3)));
    }

    [Fact]
    public void A_member_that_does_not_call_is_named_at_the_deadline()
    {
        Exception? error = null;
        using ManualResetEventSlim told = new();
        ThreadRanks.Run(
            2,
            group =>
            {
                if (group.RankInGroup == 0)
                {
                    error = Record.Exception(() => group.GatherTopologyAsync(Machine("made-up-no-gpu")).GetAwaiter().GetResult());
                    told.Set();
                }

                Assert.True(told.Wait(TimeSpan.FromSeconds(60)));
            },
            new GroupOptions { Timeout = TimeSpan.FromSeconds(3) });

        Assert.Contains("rank 1 did not tell of the machine within 3 s", Assert.IsType<TimeoutException>(error).Message, StringComparison.Ordinal);
    }

    internal static MachineTopology Machine(string name) => MachineTopology.Detect(new TopologyOptions { Snapshot = Path.Combine(AppContext.BaseDirectory, "snapshots", name) });

    internal static GroupTopology Of(params (string Node, string Snapshot, int[] Gpus)[] nodes)
    {
        List<GroupMember> members = [];
        List<RankTopology> views = [];
        foreach ((string node, string snapshot, int[] gpus) in nodes)
        {
            MachineTopology machine = Machine(snapshot);
            foreach (Gpu gpu in gpus.Select(index => machine.Gpus[index]))
            {
                GroupMember member = Member.Of(members.Count) with { NodeId = node, Device = new MemberDevice(0, gpu.Name, gpu.Pci.Address.ToString(), Guid.Parse(gpu.Uuid[4..]), 0) };
                members.Add(member);
                views.Add(RankTopology.Of(member, machine));
            }
        }

        return new GroupTopology(members, views);
    }
}
