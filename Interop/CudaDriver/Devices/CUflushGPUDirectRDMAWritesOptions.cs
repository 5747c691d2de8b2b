namespace CollectivesSharp.Interop;

public enum CUflushGPUDirectRDMAWritesOptions
{
    CU_FLUSH_GPU_DIRECT_RDMA_WRITES_OPTION_HOST = 1,
    CU_FLUSH_GPU_DIRECT_RDMA_WRITES_OPTION_MEMOPS = 2,
}
