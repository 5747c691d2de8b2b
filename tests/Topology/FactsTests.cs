using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class FactsTests
{
    [Fact]
    public void NVLinks_through_switches_hidden_ends_and_direct_links_are_told_apart()
    {
        Assert.All(Snapshots.Detect("dgx-a100").Links, link => Assert.Equal((NvLinkKind.Switch, 12), (link.Kind, link.Count)));
        Assert.Equal(28, Snapshots.Detect("dgx-a100").Links.Length);
        Assert.Equal(NvLinkKind.Switch, Assert.Single(Snapshots.Detect("h100-vm").Links).Kind);
        Assert.All(Snapshots.Detect("v100-cube-mesh").Links, link => Assert.Equal(NvLinkKind.Direct, link.Kind));
        MachineTopology hidden = Snapshots.Detect("made-up-vm-hidden-nvswitch");
        Assert.All(hidden.Links, link => Assert.Equal(NvLinkKind.Inferred, link.Kind));
        Assert.Contains(hidden.Warnings, warning => warning.Kind == TopologyWarningKind.NvLinkInferred);
    }

    [Fact]
    public void A_links_version_and_speed_come_from_the_driver()
    {
        NvLinkConnection link = Assert.Single(Snapshots.Detect("h100-vm").Links);

        Assert.Equal((0, 1, 18, 6, 26562L), (link.First, link.Second, link.Count, link.Version, link.MegabytesPerSecond));
        Assert.Equal(478.1, link.Bandwidth, 1);
        Assert.Equal(PeerStatus.Ok, Snapshots.Detect("h100-vm").PeerStatusOf(0, 1, PeerCapability.Atomics));
        Assert.Equal(PeerStatus.NotSupported, Snapshots.Detect("h100-vm").PeerStatusOf(0, 1, PeerCapability.Pcie));
    }

    [Fact]
    public void A_fabric_across_hosts_has_a_cluster_and_a_clique_and_one_that_ends_in_the_host_has_none()
    {
        Assert.All(Snapshots.Detect("gb200-fabric").Gpus, gpu => Assert.True(gpu.Fabric is { SpansHosts: true, Clique: 32766, State: FabricState.Completed }));
        Assert.All(Snapshots.Detect("h100-vm").Gpus, gpu => Assert.True(gpu.Fabric is { SpansHosts: false, State: FabricState.Completed }));
        Assert.All(Snapshots.Detect("gb200-fabric").Gpus, gpu => Assert.Equal(new C2CLinks(10, 10, 44712), gpu.C2C));
        Assert.Equal("arm64", Snapshots.Detect("gb200-fabric").Platform.CpuArchitecture);
    }

    [Fact]
    public void Adapters_are_InfiniBand_RoCE_v1_RoCE_v2_or_Ethernet_by_link_layer_and_addresses()
    {
        MachineTopology dgx = Snapshots.Detect("dgx-a100");
        Assert.Equal(10, dgx.Adapters.Count(adapter => adapter.Kind == AdapterKind.InfiniBand));
        Assert.Equal(["mlx5_5", "mlx5_11"], dgx.Adapters.Where(adapter => adapter.Kind == AdapterKind.RoceV2).Select(adapter => adapter.Name));
        MachineTopology vm = Snapshots.Detect("made-up-vm-hidden-nvswitch");
        Assert.Equal([AdapterKind.RoceV1, AdapterKind.RoceV2], vm.Adapters.Select(adapter => adapter.Kind));
        Assert.Equal("mlx5_0", Assert.Single(vm.Warnings, warning => warning.Kind == TopologyWarningKind.RoceV1Only).Subject);
        NetworkAdapter onBoard = Assert.Single(Snapshots.Detect("asus-rtx6000-two-sockets").Adapters, adapter => !adapter.IsRdma);
        Assert.Equal(("eno1", AdapterKind.Ethernet, 10.0, "i40e"), (onBoard.Name, onBoard.Kind, onBoard.GigabitsPerSecond, onBoard.Pci!.Driver));
        Assert.All(Snapshots.Detect("a100-roce-two-sockets").Adapters, adapter => Assert.Equal(100, adapter.GigabitsPerSecond));
    }

    [Fact]
    public void A_port_that_is_down_carries_nothing_and_is_warned_of()
    {
        MachineTopology topology = Snapshots.Detect("asus-rtx6000-two-sockets");

        Assert.All(topology.Adapters.Where(adapter => adapter.IsRdma), adapter => Assert.Equal((false, 0.0), (adapter.Active, adapter.GigabitsPerSecond)));
        Assert.Equal(4, topology.Warnings.Count(warning => warning.Kind == TopologyWarningKind.PortDown));
        Assert.Equal("mlx5_1", Assert.Single(Snapshots.Detect("a100-bridge-pair").Warnings, warning => warning.Kind == TopologyWarningKind.PortDown).Subject);
    }

    [Fact]
    public void Ports_of_one_card_share_a_number_and_virtual_functions_know_their_physical_one()
    {
        Assert.Equal([0, 0, 1, 1], Snapshots.Detect("asus-rtx6000-two-sockets").Adapters.Where(adapter => adapter.IsRdma).Select(adapter => adapter.Card));
        Assert.Equal("0000:00:0b.0", Snapshots.Detect("made-up-vm-hidden-nvswitch").Adapters[0].Pci!.PhysicalFunction.ToString());
    }

    [Fact]
    public void A_bonds_RDMA_device_belongs_to_the_bond_of_its_interface()
    {
        MachineTopology topology = Snapshots.Detect("b300-roce-bonds");

        Assert.Equal(8, topology.Bonds.Length);
        Assert.Equal(("bond0", "802.3ad", true), (topology.Bonds[0].Name, topology.Bonds[0].Mode, topology.Bonds[0].Up));
        Assert.Equal(["eth0", "eth1"], topology.Bonds[0].Members);
        Assert.Equal(("mlx5_bond_3", "bond3", 800.0), (topology.Adapters[3].Name, topology.Adapters[3].Bond, topology.Adapters[3].GigabitsPerSecond));
        Assert.Equal("bond0", Assert.Single(topology.Adapters, adapter => adapter.Name == "eth1").Bond);
    }

    [Fact]
    public void The_nearest_adapters_of_a_GPU_are_those_with_the_shortest_path_active_ones_first()
    {
        MachineTopology topology = Snapshots.Detect("h100-infiniband-rails");

        Assert.Equal(["mlx5_0", "mlx5_1", "mlx5_2"], topology.NearestAdapters(topology.Gpus[0]).Select(adapter => adapter.Name));
        Assert.Equal(["mlx5_11"], topology.NearestAdapters(topology.Gpus[7]).Select(adapter => adapter.Name));
        Assert.DoesNotContain(topology.Warnings, warning => warning.Kind == TopologyWarningKind.GpuWithoutNearAdapter);
        Assert.Equal(["GPU0, GPU2", "GPU1, GPU3"], Snapshots.Detect("a100-four-direct").Warnings.Where(warning => warning.Kind == TopologyWarningKind.GpuWithoutNearAdapter).Select(warning => warning.Subject));
    }

    [Fact]
    public void A_GPU_that_lost_its_NVLinks_is_named()
    {
        MachineTopology topology = Snapshots.Detect("b200-one-gpu-off-the-fabric");

        Assert.Equal("GPU2", Assert.Single(topology.Warnings, warning => warning.Kind == TopologyWarningKind.NvLinkDown).Subject);
        Assert.Null(topology.LinkBetween(2, 3));
        Assert.Equal(0, topology.Gpus[2].SwitchNvLinks);
    }

    [Fact]
    public void GPUDirect_RDMA_has_a_reason_either_way()
    {
        Assert.Equal(GpuDirectSupport.PeerMemory, Snapshots.Detect("h100-infiniband-rails").GpuDirect.Support);
        Assert.Equal(GpuDirectSupport.DmaBuf, Snapshots.Detect("made-up-vm-hidden-nvswitch").GpuDirect.Support);
        GpuDirectRdma none = Snapshots.Detect("v100-cube-mesh").GpuDirect;
        Assert.Equal(GpuDirectSupport.None, none.Support);
        Assert.Contains("modprobe nvidia_peermem", none.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Container_and_virtual_machine_are_recognised()
    {
        Platform platform = Snapshots.Detect("h100-vm").Platform;
        Assert.Equal(("docker", "hypervisor", "580.159.04", true), (platform.Container, platform.VirtualMachine, platform.DriverVersion, platform.OpenDriver));
        Assert.Equal("QEMU", Snapshots.Detect("made-up-vm-hidden-nvswitch").Platform.VirtualMachine);
        Assert.Equal(("", ""), (Snapshots.Detect("dgx-a100").Platform.Container, Snapshots.Detect("dgx-a100").Platform.VirtualMachine));
    }

    [Fact]
    public void Without_NVML_the_GPUs_of_sysfs_are_listed_and_the_lack_is_said()
    {
        MachineTopology topology = new TopologySnapshot(Snapshots.Text("a100-bridge-pair", "tree.txt"), (string?)null).Detect(new TopologyOptions());

        Assert.Equal(["0000:81:00.0", "0000:a1:00.0", "0000:e1:00.0"], topology.Gpus.Select(gpu => gpu.Pci.Address.ToString()));
        Assert.Contains(topology.Warnings, warning => warning.Kind == TopologyWarningKind.NvmlUnavailable);
        Assert.Empty(Snapshots.Detect("made-up-no-gpu").Gpus);
    }
}
