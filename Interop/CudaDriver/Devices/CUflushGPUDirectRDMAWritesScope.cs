namespace CollectivesSharp.Interop;

public enum CUflushGPUDirectRDMAWritesScope
{
    CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_OWNER = 100,
    CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_ALL_DEVICES = 200,
}
