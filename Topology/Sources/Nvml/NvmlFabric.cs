namespace CollectivesSharp.Topology;

/// <summary>nvmlDeviceGetGpuFabricInfo's answer.</summary>
internal sealed record NvmlFabric
{
    public string? ClusterUuid { get; init; }

    public uint Clique { get; init; }

    public int State { get; init; }

    public int Status { get; init; }
}
