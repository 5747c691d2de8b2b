namespace CollectivesSharp.Interop;

public enum CUstreamMemoryBarrier_flags
{
    CU_STREAM_MEMORY_BARRIER_TYPE_SYS = 0,
    CU_STREAM_MEMORY_BARRIER_TYPE_GPU = 1,
}
