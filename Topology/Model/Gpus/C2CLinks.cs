namespace CollectivesSharp.Topology;

/// <summary>The coherent links between a GPU and its CPU (Grace Hopper, Grace Blackwell).</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Active">How many are up.</param>
/// <param name="MaxMegabytesPerSecond">Of one link, as NVML tells; 0 if it does not.</param>
public sealed record C2CLinks(int Count, int Active, long MaxMegabytesPerSecond);
