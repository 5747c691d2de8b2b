namespace CollectivesSharp.Topology;

/// <summary>What one GPU may do with another's memory; NVML's numbers.</summary>
public enum PeerCapability
{
    Read = 0,
    Write = 1,
    NvLink = 2,
    Atomics = 3,
    Pcie = 4,
}
