using System.Globalization;
using CollectivesSharp.Topology;

namespace CollectivesSharp;

/// <summary>What one rank told the others of its machine.</summary>
public sealed record RankTopology
{
    /// <summary>Its rank in the world.</summary>
    public required int Rank { get; init; }

    /// <summary>The NVLink fabric across hosts that its GPU belongs to, as "cluster/clique"; null if it ends in the host or there is none.</summary>
    public string? Fabric { get; init; }

    /// <summary>NVIDIA driver; empty without one.</summary>
    public string Driver { get; init; } = "";

    public GpuDirectSupport GpuDirect { get; init; }

    /// <summary>GPUs of its node that its own GPU reaches, by PCI address: NV18, or P2P for access over PCIe.</summary>
    public IReadOnlyDictionary<string, string> Peers { get; init; } = new Dictionary<string, string>();

    /// <summary>Nominal GB/s to each other GPU of its node, by PCI address, where something tells.</summary>
    public IReadOnlyDictionary<string, double> Bandwidths { get; init; } = new Dictionary<string, double>();

    /// <summary>The RDMA adapters of its node, by name.</summary>
    public IReadOnlyList<RankAdapter> Adapters { get; init; } = [];

    /// <summary>The adapter to use for its GPU: the nearest active one. Null if there is none.</summary>
    public string? NearestAdapter { get; init; }

    /// <summary>Which of the node's rails <see cref="NearestAdapter"/> is, from 0: rail k of every node is meant to hang on one switch. Null without an adapter.</summary>
    public int? Rail { get; init; }

    public IReadOnlyList<TopologyWarning> Warnings { get; init; } = [];

    internal static RankTopology Of(GroupMember member, MachineTopology machine)
    {
        // By address, never by index: CUDA_VISIBLE_DEVICES renumbers.
        Gpu? gpu = PciAddress.TryParse(member.Device?.PciBusId, out PciAddress address) ? machine.FindGpu(address) : null;
        string?[] rails = [.. machine.Gpus.Select(other => Nearest(machine, other)).OfType<NetworkAdapter>().DistinctBy(adapter => adapter.Index).OrderBy(adapter => adapter.Index).Select(adapter => adapter.Name)];
        string? nearest = (gpu is null ? machine.Adapters.FirstOrDefault(adapter => adapter is { IsRdma: true, Active: true }) : Nearest(machine, gpu))?.Name;
        return new RankTopology
        {
            Rank = member.Rank,
            Fabric = gpu?.Fabric is { SpansHosts: true, State: FabricState.Completed, Status: 0 } fabric ? string.Create(CultureInfo.InvariantCulture, $"{fabric.ClusterUuid}/{fabric.Clique}") : null,
            Driver = machine.Platform.DriverVersion,
            GpuDirect = machine.GpuDirect.Support,
            Peers = gpu is null ? new Dictionary<string, string>() : machine.Gpus.Where(other => other.Index != gpu.Index).Select(other => (other, Label: PeerLabel(machine, gpu, other))).Where(item => item.Label is not null)
                .ToDictionary(item => item.other.Pci.Address.ToString(), item => item.Label!),
            Bandwidths = gpu is null ? new Dictionary<string, double>() : machine.Gpus.Where(other => other.Index != gpu.Index).Select(other => (other, Nominal: machine.NominalBandwidth(gpu, other))).Where(item => item.Nominal > 0)
                .ToDictionary(item => item.other.Pci.Address.ToString(), item => item.Nominal),
            Adapters = [.. machine.Adapters.Where(adapter => adapter.IsRdma).Select(adapter => new RankAdapter(adapter.Name, adapter.Kind, adapter.GigabitsPerSecond, adapter.Active, gpu is null ? PciePath.System : machine.PathBetween(gpu, adapter)))],
            NearestAdapter = nearest,
            Rail = Array.IndexOf(rails, nearest) is >= 0 and var rail && nearest is not null ? rail : null,
            Warnings = machine.Warnings,
        };
    }

    private static NetworkAdapter? Nearest(MachineTopology machine, Gpu gpu) =>
        machine.Adapters.Where(adapter => adapter is { IsRdma: true, Active: true }).OrderBy(adapter => machine.PathBetween(gpu, adapter)).ThenByDescending(adapter => adapter.GigabitsPerSecond).ThenBy(adapter => adapter.Index).FirstOrDefault();

    private static string? PeerLabel(MachineTopology machine, Gpu gpu, Gpu other) =>
        machine.LinkBetween(gpu.Index, other.Index) is { } link ? link.Label
        : machine.PeerStatusOf(gpu.Index, other.Index, PeerCapability.Read) == PeerStatus.Ok && machine.PeerStatusOf(gpu.Index, other.Index, PeerCapability.Write) == PeerStatus.Ok ? "P2P" : null;
}
