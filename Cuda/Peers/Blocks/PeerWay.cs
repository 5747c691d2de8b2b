namespace CollectivesSharp.Cuda;

/// <summary>How a block is allocated, and so how other processes map it. The ranks of a slice agree on one.</summary>
internal enum PeerWay
{
    /// <summary>Virtual memory, shared by descriptors.</summary>
    Virtual,

    /// <summary>cuMemAlloc, shared by CUDA IPC.</summary>
    Plain,
}
