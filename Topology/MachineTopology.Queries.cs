using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace CollectivesSharp.Topology;

public sealed partial record MachineTopology
{
    /// <summary>The GPUs of CUDA's ordinals 0, 1, 2…; a GPU stands there once for each of its visible MIG instances.</summary>
    [JsonIgnore]
    public ImmutableArray<Gpu> VisibleGpus => [.. Gpus.SelectMany(gpu => gpu.VisibleIndexes.Select(index => (index, gpu))).OrderBy(item => item.index).Select(item => item.gpu)];

    /// <summary>The GPU at a PCIe address, which is how CUDA's devices are matched (cuDeviceGetPCIBusId); null if there is none.</summary>
    public Gpu? FindGpu(PciAddress address) => Gpus.FirstOrDefault(gpu => gpu.Pci.Address == address);

    /// <summary>The NVLinks between two GPUs, by NVML index; null if there are none.</summary>
    public NvLinkConnection? LinkBetween(int first, int second) =>
        Links.FirstOrDefault(link => link.First == Math.Min(first, second) && link.Second == Math.Max(first, second));

    /// <summary>The PCIe path between two GPUs, whatever NVLinks there are. NVML's word where it gave one, sysfs' otherwise.</summary>
    public PciePath PathBetween(Gpu first, Gpu second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return (first.Index != second.Index ? LevelOf(Math.Min(first.Index, second.Index), Math.Max(first.Index, second.Index)) : null) ?? PathBetween(first.Pci, second.Pci);
    }

    public PciePath PathBetween(Gpu gpu, NetworkAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(gpu);
        ArgumentNullException.ThrowIfNull(adapter);
        return PathBetween(gpu.Pci, adapter.Pci);
    }

    public PciePath PathBetween(NetworkAdapter first, NetworkAdapter second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first.Index == second.Index)
            return PciePath.Self;
        // Two RDMA devices of one PCIe function are ports of one card.
        return PathBetween(first.Pci, second.Pci) is var path && path == PciePath.Self ? PciePath.SingleSwitch : path;
    }

    /// <summary>The driver's answer for one GPU's access to another's memory, by NVML index; <see cref="PeerStatus.Unknown"/> without one.</summary>
    public PeerStatus PeerStatusOf(int from, int to, PeerCapability capability) =>
        PeerAccess.FirstOrDefault(pair => pair.From == from && pair.To == to)?[capability] ?? PeerStatus.Unknown;

    /// <summary>
    /// GB/s from one GPU to another that nothing has measured: of all their NVLinks together, or of the narrower of both PCIe links; 0 where nothing tells. Through NVSwitches and shared PCIe switches pairs
    /// share what is told for each.
    /// </summary>
    public double NominalBandwidth(Gpu first, Gpu second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return LinkBetween(first.Index, second.Index) is { } link ? link.Bandwidth : Narrower(first.Pci.Link.MaxBandwidth, second.Pci.Link.MaxBandwidth);
    }

    /// <summary>Of the narrower of both PCIe links and the adapter's rate, in GB/s; 0 where nothing tells.</summary>
    public static double NominalBandwidth(Gpu gpu, NetworkAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(gpu);
        ArgumentNullException.ThrowIfNull(adapter);
        return adapter.Pci is null ? 0 : Narrower(Narrower(gpu.Pci.Link.MaxBandwidth, adapter.Pci.Link.MaxBandwidth), adapter.GigabitsPerSecond / 8);
    }

    /// <summary>RDMA adapters with the shortest path to the GPU, those with an active port first; empty if there is no RDMA adapter.</summary>
    public ImmutableArray<NetworkAdapter> NearestAdapters(Gpu gpu)
    {
        ArgumentNullException.ThrowIfNull(gpu);
        NetworkAdapter[] usable = [.. Adapters.Where(adapter => adapter.IsRdma)];
        if (usable.Length == 0)
            return [];
        PciePath nearest = usable.Min(adapter => PathBetween(gpu, adapter));
        return [.. usable.Where(adapter => PathBetween(gpu, adapter) == nearest).OrderByDescending(adapter => adapter.Active).ThenBy(adapter => adapter.Index)];
    }

    internal bool HasOneNode => NumaNodes.Count(node => node.Cpus.Length > 0) == 1 || NumaNodes.Length == 1;

    internal PciePath PathBetween(PciDevice? first, PciDevice? second) =>
        first is null || second is null ? (HasOneNode ? PciePath.Node : PciePath.System) : first.PathTo(second, HasOneNode);

    /// <summary>0 is a board with two GPUs behind its own switch.</summary>
    private PciePath? LevelOf(int first, int second) =>
        GpuLevels is not null && first < GpuLevels.Length && GpuLevels[first] is { } levels && second < levels.Length
            ? levels[second] switch { 0 or 10 => PciePath.SingleSwitch, 20 => PciePath.MultipleSwitches, 30 => PciePath.HostBridge, 40 => PciePath.Node, 50 => PciePath.System, _ => null }
            : null;

    private static double Narrower(double a, double b) => a <= 0 || b <= 0 ? 0 : Math.Min(a, b);
}
