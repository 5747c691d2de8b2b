namespace CollectivesSharp.Cuda;

/// <summary>How device memory is obtained, which decides what may be done with it.</summary>
public enum DeviceMemoryKind
{
    /// <summary>cuMemAlloc: suits everything but symmetric windows; other processes map it by CUDA IPC.</summary>
    Plain,

    /// <summary>
    /// Virtual memory with a POSIX descriptor, readable and writable by every device that can reach this one: what NCCL's windows and registration ask for (as ncclMemAlloc
    /// gives). Rounded up to the granularity, 2 MiB on current GPUs. Its addresses are not given out again in this process.
    /// </summary>
    Shareable,

    /// <summary>cuMemAllocAsync on a stream: allocated and freed in the stream's order, without synchronising anything.</summary>
    StreamOrdered,
}
