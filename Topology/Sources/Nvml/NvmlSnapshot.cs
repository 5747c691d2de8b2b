namespace CollectivesSharp.Topology;

/// <summary>What NVML answered, before anything is concluded from it: nvml.json of a snapshot. Null: not asked, or not supported there.</summary>
internal sealed record NvmlSnapshot
{
    /// <summary>Why there are no answers at all; null if NVML started.</summary>
    public string? Error { get; init; }

    public string? DriverVersion { get; init; }

    public List<NvmlGpu> Gpus { get; init; } = [];

    /// <summary>[capability][from][to], nvmlGpuP2PStatus_t; -1 where the call failed.</summary>
    public int[][][]? P2P { get; init; }

    /// <summary>[a][b], nvmlGpuTopologyLevel_t; -1 where the call failed or a is b.</summary>
    public int[][]? Ancestors { get; init; }

    /// <summary>Calls that failed otherwise than by "not supported".</summary>
    public List<string> Failures { get; init; } = [];
}
