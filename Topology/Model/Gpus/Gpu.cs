using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>One GPU as NVML and sysfs show it; its links to others are <see cref="MachineTopology.Links"/>.</summary>
public sealed record Gpu
{
    /// <summary>NVML's index: PCIe order among the GPUs that this process may see at all. Not CUDA's: see <see cref="VisibleIndexes"/>.</summary>
    public required int Index { get; init; }

    public required PciDevice Pci { get; init; }

    public string Name { get; init; } = "";

    /// <summary>GPU-…; empty if NVML gave none.</summary>
    public string Uuid { get; init; } = "";

    /// <summary>Compute capability, 9.0 for Hopper; null if not known.</summary>
    public Version? ComputeCapability { get; init; }

    public ulong MemoryBytes { get; init; }

    /// <summary>The NUMA node that its memory is, where the CPU sees it as memory (Grace Hopper); null elsewhere.</summary>
    public int? MemoryNumaNode { get; init; }

    /// <summary>CUDA's device ordinals under CUDA_VISIBLE_DEVICES that are this GPU or a part of it; empty if hidden.</summary>
    public ImmutableArray<int> VisibleIndexes { get; init; } = [];

    public bool MigEnabled { get; init; }

    public ImmutableArray<MigInstance> MigInstances { get; init; } = [];

    public FabricMembership? Fabric { get; init; }

    public C2CLinks? C2C { get; init; }

    /// <summary>NVLinks of this GPU that are up, wherever they lead.</summary>
    public int ActiveNvLinks { get; init; }

    /// <summary>NVLinks that the GPU has and that are down.</summary>
    public int InactiveNvLinks { get; init; }

    /// <summary>NVLinks whose other end is an NVSwitch, shown or inferred.</summary>
    public int SwitchNvLinks { get; init; }

    /// <summary>Fermi's successors by name: Ampere, Ada, Hopper, Blackwell; empty if not known.</summary>
    public string Architecture => ComputeCapability switch
    {
        { Major: 6 } => "Pascal",
        { Major: 7, Minor: 5 } => "Turing",
        { Major: 7 } => "Volta",
        { Major: 8, Minor: 9 } => "Ada",
        { Major: 8 } => "Ampere",
        { Major: 9 } => "Hopper",
        { Major: 10 or 11 or 12 } => "Blackwell",
        _ => "",
    };

    public string Label => $"GPU{Index}";
}
