namespace CollectivesSharp.Cuda;

/// <summary>A process of this machine, named for good: an id alone is given out again. <paramref name="StartTime"/>: in clock ticks since boot, as the kernel keeps it.</summary>
public readonly record struct PeerProcess(int Id, long StartTime);
