namespace CollectivesSharp.Perf;

/// <summary>What nccl-tests calls a collective's size, count and bus bandwidth, and which columns it fills.</summary>
internal readonly record struct Convention(CollectiveKind Collective)
{
    internal bool Reduces => Collective is CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.ReduceScatter;

    internal bool HasRoot => Collective is CollectiveKind.Broadcast or CollectiveKind.Reduce or CollectiveKind.Gather or CollectiveKind.Scatter;

    /// <summary>One buffer is the parts of all ranks: its length is the row's size, one part's length the row's count.</summary>
    internal bool IsParted => Collective is CollectiveKind.AllGather or CollectiveKind.ReduceScatter or CollectiveKind.Gather or CollectiveKind.Scatter or CollectiveKind.AllToAll;

    /// <summary>A broadcast has one buffer here, a barrier none.</summary>
    internal bool HasOutOfPlace => Collective is not (CollectiveKind.Broadcast or CollectiveKind.Barrier);

    /// <summary>A message needs two buffers.</summary>
    internal bool HasInPlace => Collective != CollectiveKind.SendReceive;

    /// <summary>On a device also an all-to-all does.</summary>
    internal bool HasDeviceInPlace => HasInPlace && Collective != CollectiveKind.AllToAll;

    /// <summary>Bus bandwidth over algorithm bandwidth: what the slowest link carries.</summary>
    internal double BusFactor(int ranks) =>
        Collective == CollectiveKind.AllReduce ? 2.0 * (ranks - 1) / ranks
        : IsParted ? (double)(ranks - 1) / ranks
        : 1;
}
