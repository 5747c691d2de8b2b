namespace CollectivesSharp.Topology;

/// <summary>Whether adapters may read and write GPU memory themselves.</summary>
/// <param name="Support">What was found.</param>
/// <param name="Reason">One sentence: by what, or why not and what to do.</param>
public sealed record GpuDirectRdma(GpuDirectSupport Support, string Reason);
