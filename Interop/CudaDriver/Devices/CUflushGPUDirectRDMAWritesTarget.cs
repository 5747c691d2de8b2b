namespace CollectivesSharp.Interop;

public enum CUflushGPUDirectRDMAWritesTarget
{
    CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TARGET_CURRENT_CTX = 0,
}
