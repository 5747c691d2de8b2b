namespace CollectivesSharp;

/// <summary>Which collective a call is; part of what ranks compare at every call.</summary>
public enum CollectiveKind : byte
{
    None = 0,
    AllReduce,
    Broadcast,
    Barrier,
    Reduce,
    AllGather,
    ReduceScatter,
    Gather,
    Scatter,
    AllToAll,
    AllToAllV,
}
