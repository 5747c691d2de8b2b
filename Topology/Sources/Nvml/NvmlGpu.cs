namespace CollectivesSharp.Topology;

/// <summary>NVML's answers about one GPU.</summary>
internal sealed record NvmlGpu
{
    public string? BusId { get; init; }

    public string? Name { get; init; }

    public string? Uuid { get; init; }

    public int? Major { get; init; }

    public int? Minor { get; init; }

    public ulong? MemoryBytes { get; init; }

    /// <summary>nvmlDeviceGetNumaNodeId: of its memory.</summary>
    public int? MemoryNumaNode { get; init; }

    public bool? Mig { get; init; }

    public List<string>? MigUuids { get; init; }

    public NvmlFabric? Fabric { get; init; }

    public List<NvmlLink>? Links { get; init; }

    public int? C2CCount { get; init; }

    public int? C2CActive { get; init; }

    public long? C2CMegabytesPerSecond { get; init; }
}
