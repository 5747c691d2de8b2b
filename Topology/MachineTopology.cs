using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>
/// What this machine is: its GPUs and their links, its adapters, how far they are from each other, and what is wrong. Immutable; any thread may read it. It describes
/// what the driver and the kernel say: nothing was allocated, copied or sent to find it out, and no CUDA context was made.
/// </summary>
public sealed partial record MachineTopology
{
    /// <summary>By NVML index.</summary>
    public ImmutableArray<Gpu> Gpus { get; init; } = [];

    /// <summary>Pairs of GPUs with NVLinks between them, ordered.</summary>
    public ImmutableArray<NvLinkConnection> Links { get; init; } = [];

    /// <summary>What the driver says of each ordered pair; empty without NVML.</summary>
    public ImmutableArray<PeerAccess> PeerAccess { get; init; } = [];

    /// <summary>NVSwitches that sysfs shows.</summary>
    public ImmutableArray<PciDevice> Switches { get; init; } = [];

    public ImmutableArray<NetworkAdapter> Adapters { get; init; } = [];

    public ImmutableArray<NetworkBond> Bonds { get; init; } = [];

    public ImmutableArray<NumaNode> NumaNodes { get; init; } = [];

    public Platform Platform { get; init; } = new();

    public GpuDirectRdma GpuDirect { get; init; } = new(GpuDirectSupport.None, "nothing was looked at");

    public ImmutableArray<TopologyWarning> Warnings { get; init; } = [];

    /// <summary>NVML's own PCIe level of each two GPUs (nvmlGpuTopologyLevel_t), by index; -1, or nothing, where it gave none.</summary>
    internal int[][]? GpuLevels { get; init; }

    /// <summary>
    /// Looks at the machine, or at what <paramref name="options"/> point at. Never throws: what is missing, unreadable or contradictory is a warning. Takes milliseconds
    /// beside NVML's own start; the result is worth keeping.
    /// </summary>
    public static MachineTopology Detect(TopologyOptions? options = null)
    {
        options ??= new TopologyOptions();
        try
        {
            return options.Snapshot is { } folder ? TopologySnapshot.Open(folder).Detect(options)
                : Detector.Detect(new DiskFileTree(options.Root), options.IsThisMachine ? NvmlReader.Read() : new NvmlSnapshot { Error = "not asked: the files are not this machine's" }, options);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new MachineTopology { Warnings = [new TopologyWarning(TopologyWarningKind.Internal, "detection", $"{e.GetType().Name}: {e.Message}")] };
        }
    }
}
