namespace CollectivesSharp.Interop;

public enum CUmemAllocationCompType
{
    CU_MEM_ALLOCATION_COMP_NONE = 0,
    CU_MEM_ALLOCATION_COMP_GENERIC = 1,
}
