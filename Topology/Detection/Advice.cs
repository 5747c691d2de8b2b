using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>What a person should know of a topology, said once: many devices with one fault share a sentence.</summary>
internal sealed class Advice(MachineTopology topology, WarningList warnings)
{
    internal void Give()
    {
        Gpus();
        Pairs();
        Near();
        Ports();
        Pcie();
        Surroundings();
    }

    private void Gpus()
    {
        foreach (Gpu gpu in topology.Gpus)
        {
            int most = topology.Gpus.Where(other => other.Name == gpu.Name).Max(other => other.ActiveNvLinks);
            if (gpu.ActiveNvLinks < most && !gpu.MigEnabled)
                Warn(TopologyWarningKind.NvLinkDown, gpu.Label, $"{gpu.ActiveNvLinks} NVLinks are up, other GPUs of its model have {most}; see nvidia-smi nvlink --status -i {gpu.Index}");
            if (gpu.Fabric is { State: FabricState.NotStarted or FabricState.InProgress } or { State: FabricState.Completed, Status: not 0 })
                Warn(TopologyWarningKind.FabricNotReady, gpu.Label, $"its NVLink fabric is {gpu.Fabric.State} with status {gpu.Fabric.Status}; CUDA fails with 802 until the fabric manager is done");
        }

        if (Names(topology.Gpus.Where(gpu => gpu.MigEnabled)) is { Length: > 0 } mig)
            Warn(TopologyWarningKind.MigEnabled, mig, "MIG is on: instances have neither NVLink nor peer access, and ranks on them talk through host memory");
    }

    private void Pairs()
    {
        NvLinkConnection[] inferred = [.. topology.Links.Where(link => link.Kind == NvLinkKind.Inferred)];
        if (inferred.Length > 0)
            Warn(TopologyWarningKind.NvLinkInferred, "NVLink", $"the other ends of the NVLinks are hidden, so {inferred.Length} pairs are taken to be joined by NVSwitches; measure a copy before relying on it");
        foreach (IGrouping<PeerStatus, PeerAccess> refused in topology.PeerAccess.Where(pair => pair[PeerCapability.Read] is not (PeerStatus.Ok or PeerStatus.Unknown)).GroupBy(pair => pair[PeerCapability.Read]))
        {
            string why = refused.Key switch
            {
                PeerStatus.ChipsetNotSupported => "the chipset does not route it",
                PeerStatus.TopologyNotSupported => "they hang on different root complexes",
                PeerStatus.DisabledByRegistry => "a driver setting forbids it",
                _ => "the GPU or driver has none",
            };
            Warn(TopologyWarningKind.PeerAccessRefused, "peer access", $"the driver refuses it for {refused.Count()} of {topology.PeerAccess.Length} ordered pairs ({refused.Key}: {why}); these go through host memory");
        }
    }

    private void Near()
    {
        foreach (IGrouping<PciePath, Gpu> far in topology.Gpus.Where(gpu => !topology.NearestAdapters(gpu).IsEmpty).GroupBy(gpu => topology.PathBetween(gpu, topology.NearestAdapters(gpu)[0])).Where(group => group.Key >= PciePath.HostBridge))
            Warn(TopologyWarningKind.GpuWithoutNearAdapter, Names(far), $"no RDMA adapter is nearer than {far.Key.Label()}: GPUDirect RDMA is slow or left alone across a host bridge");
    }

    private void Ports()
    {
        foreach (NetworkAdapter adapter in topology.Adapters.Where(adapter => adapter.IsRdma))
        {
            foreach (AdapterPort port in adapter.Ports.Where(port => port.State.Length > 0 && !port.Active))
                Warn(TopologyWarningKind.PortDown, adapter.Name, $"port {port.Number} is {port.State} ({(port.PhysicalState.Length > 0 ? port.PhysicalState : "link state not told")}); look at {(port.LinkLayer == "InfiniBand" ? "cable, switch and subnet manager" : "cable and switch")}");
            double most = topology.Adapters.Where(other => other.Kind == adapter.Kind && other.Pci?.Device is { } device && device == adapter.Pci?.Device).Select(other => other.GigabitsPerSecond).DefaultIfEmpty().Max();
            if (adapter.Active && adapter.GigabitsPerSecond > 0 && adapter.GigabitsPerSecond < most)
                Warn(TopologyWarningKind.PortSlow, adapter.Name, string.Create(CultureInfo.InvariantCulture, $"link trained at {adapter.GigabitsPerSecond} of {most} Gb/s, which others of its model have"));
            if (adapter.Kind == AdapterKind.RoceV1)
                Warn(TopologyWarningKind.RoceV1Only, adapter.Name, "it has RoCE v1 addresses only: no routing, and NCCL looks for v2; give its interface an IP address");
        }

        if (topology.GpuDirect.Support == GpuDirectSupport.None && !topology.Gpus.IsEmpty && topology.Adapters.Any(adapter => adapter.IsRdma))
            Warn(TopologyWarningKind.NoGpuDirectRdma, "GPUDirect RDMA", topology.GpuDirect.Reason);
    }

    private void Pcie()
    {
        IEnumerable<(string Label, PciDevice Device, bool Gpu)> devices = topology.Gpus.Select(gpu => (gpu.Label, gpu.Pci, true))
            .Concat(topology.Adapters.Where(adapter => adapter is { IsRdma: true, Pci: not null }).Select(adapter => (adapter.Name, adapter.Pci!, false)));
        foreach ((string label, PciDevice device, bool gpu) in devices)
        {
            PcieLink link = device.Link;
            // An idle GPU lowers its speed by itself; its width stays.
            if ((link.Width > 0 && link.Width < link.MaxWidth) || (!gpu && link.Speed > 0 && link.Speed < link.MaxSpeed))
                Warn(TopologyWarningKind.PcieLinkDegraded, label, string.Create(CultureInfo.InvariantCulture, $"PCIe runs at {link.Speed} GT/s x{link.Width} of {link.MaxSpeed} GT/s x{link.MaxWidth}; the slot or a riser may be narrower than the card"));
        }
    }

    private void Surroundings()
    {
        if (topology.NumaNodes.Length > 1 && Names(topology.Gpus.Where(gpu => gpu.Pci.NumaNode is null)) is { Length: > 0 } homeless)
            Warn(TopologyWarningKind.NumaUnknown, homeless, "the NUMA node is not told (firmware or hypervisor); paths to other host bridges are taken for SYS");
        if (topology.Platform.VirtualMachine.Length > 0 && topology.Gpus.Length > 1 && topology.Gpus.All(gpu => gpu.Pci.Bridges.IsEmpty))
            Warn(TopologyWarningKind.VirtualTopology, topology.Platform.VirtualMachine, "PCIe paths are what the hypervisor shows: no switches at all; give NCCL_TOPO_FILE where the provider has one");
    }

    private void Warn(TopologyWarningKind kind, string subject, string message) => warnings.Add(kind, subject, message);

    private static string Names(IEnumerable<Gpu> gpus) => string.Join(", ", gpus.Select(gpu => gpu.Label));
}
