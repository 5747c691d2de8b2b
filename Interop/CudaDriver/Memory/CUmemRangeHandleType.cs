namespace CollectivesSharp.Interop;

public enum CUmemRangeHandleType
{
    CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD = 1,
}
