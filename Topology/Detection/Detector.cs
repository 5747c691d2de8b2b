using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>Puts a topology together from files and NVML's answers.</summary>
internal sealed class Detector(FileTree files, NvmlSnapshot nvml, TopologyOptions options)
{
    private readonly WarningList _warnings = new();

    internal static MachineTopology Detect(FileTree files, NvmlSnapshot nvml, TopologyOptions options) => new Detector(files, nvml, options).Run();

    private MachineTopology Run()
    {
        FileReader reader = new(files, _warnings);
        PciReader pci = new(reader);
        MachineTopology topology = new();
        if (!files.Exists("/sys/bus/pci/devices"))
            _warnings.Add(TopologyWarningKind.Missing, "/sys/bus/pci", "PCIe devices are not shown here, so paths are not known; mount /sys into the container");
        Part("NUMA nodes", () => topology = topology with { NumaNodes = new NumaReader(reader).Read() });
        Part("platform", () => topology = topology with { Platform = new PlatformReader(reader).Read(nvml) });
        Part("GPUs", () => topology = new GpuReader(reader, pci, nvml, _warnings).Read(topology));
        Part("NVLinks", () => topology = new LinkReader(nvml, _warnings).Read(topology));
        Part("adapters", () =>
        {
            NetworkInterfaceReader interfaces = new(reader);
            topology = topology with { Bonds = interfaces.ReadBonds(), Adapters = new AdapterReader(reader, pci, interfaces).Read() };
        });
        Part("GPUDirect RDMA", () => topology = topology with { GpuDirect = new GpuDirectReader(reader).Read(topology) });
        Part("visible devices", () => topology = topology with
        {
            Gpus = new VisibleDevices(options, _warnings).Map(topology.Gpus),
        });
        foreach ((string path, string problem) in files.Problems)
            _warnings.Add(TopologyWarningKind.FileUnreadable, path, problem);
        Part("advice", () => new Advice(topology, _warnings).Give());
        return topology with { Warnings = _warnings.ToImmutable() };
    }

    /// <summary>A part that fails takes no other with it.</summary>
    private void Part(string name, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _warnings.Add(TopologyWarningKind.Internal, name, $"{e.GetType().Name}: {e.Message}");
        }
    }
}
