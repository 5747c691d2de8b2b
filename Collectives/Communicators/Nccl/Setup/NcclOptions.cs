namespace CollectivesSharp;

/// <summary>Settings of NCCL's communicators, ncclConfig_t's; null leaves NCCL its choice. What the library at hand is too old for is refused, not ignored.</summary>
public sealed record NcclOptions
{
    /// <summary>Fewest and most thread blocks that a collective may take: 1 to 64.</summary>
    public int? MinCtas { get; init; }

    public int? MaxCtas { get; init; }

    /// <summary>0 to 8.</summary>
    public int? CgaClusterSize { get; init; }

    /// <summary>"Socket", "IB" or a plug-in's name.</summary>
    public string? NetName { get; init; }

    /// <summary>2.26.2.</summary>
    public int? TrafficClass { get; init; }

    /// <summary>2.27.3. 0: fastest; 1: fewest blocks; 2: copy engines where possible (2.28.3).</summary>
    public int? CtaPolicy { get; init; }

    /// <summary>2.27.3.</summary>
    public int? NvlsCtas { get; init; }

    /// <summary>2.29.2. 0: no graphs; 1: one graph at a time, no eager calls beside it; 2: mixed.</summary>
    public int? GraphUsageMode { get; init; }
}
