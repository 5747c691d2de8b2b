namespace CollectivesSharp.Interop;

[Flags]
public enum CUoccupancy_flags
{
    CU_OCCUPANCY_DEFAULT = 0x0,
    CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE = 0x1,
}
