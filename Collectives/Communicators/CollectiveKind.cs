namespace CollectivesSharp;

/// <summary>Which collective a call is, part of what ranks compare at every call; or which message, which only two ranks know of.</summary>
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
    Send,
    Receive,
    SendReceive,
    AllReduceRmsNorm,
    AllocateHost,
}
