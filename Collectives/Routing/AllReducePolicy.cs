namespace CollectivesSharp;

/// <summary>What the all-reduces of a group on device memory promise beyond being right.</summary>
public enum AllReducePolicy
{
    /// <summary>Nothing: the fastest route. Its bits are the same on every rank.</summary>
    Fastest,

    /// <summary>
    /// Rank order at every size: an element's bits follow from the ranks' inputs and the operation alone, whatever the message's length, the run, the table. NCCL, which keeps no order, is not asked. What no route of our own can do
    /// throws <see cref="NotSupportedException"/>; a group without peer memory can't be made. Holds for reductions of all kinds; what only copies is exact on every route and may take NCCL.
    /// </summary>
    Deterministic,
}
