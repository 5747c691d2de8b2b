namespace CollectivesSharp.Topology;

/// <summary>The NVLinks between two GPUs.</summary>
/// <param name="First">The lower NVML index.</param>
/// <param name="Second">The higher one.</param>
/// <param name="Count">Links that carry traffic of this pair; through switches they are shared with all other pairs.</param>
/// <param name="Version">NVLink generation as NVML numbers it; 0 if not known.</param>
/// <param name="MegabytesPerSecond">Of one link in one direction, as NVML tells; 0 if it does not.</param>
/// <param name="Kind">How they run.</param>
public sealed record NvLinkConnection(int First, int Second, int Count, int Version, long MegabytesPerSecond, NvLinkKind Kind)
{
    /// <summary>As nvidia-smi writes it: NV18.</summary>
    public string Label => $"NV{Count}";

    /// <summary>Nominal, all links together, one direction, GB/s; 0 if not known.</summary>
    public double Bandwidth => Count * MegabytesPerSecond / 1000.0;
}
