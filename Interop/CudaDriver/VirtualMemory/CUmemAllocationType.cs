namespace CollectivesSharp.Interop;

public enum CUmemAllocationType
{
    CU_MEM_ALLOCATION_TYPE_INVALID = 0,
    CU_MEM_ALLOCATION_TYPE_PINNED = 1,
}
