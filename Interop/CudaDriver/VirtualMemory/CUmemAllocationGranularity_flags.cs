namespace CollectivesSharp.Interop;

public enum CUmemAllocationGranularity_flags
{
    CU_MEM_ALLOC_GRANULARITY_MINIMUM = 0,
    CU_MEM_ALLOC_GRANULARITY_RECOMMENDED = 1,
}
