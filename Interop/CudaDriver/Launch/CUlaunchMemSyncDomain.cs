namespace CollectivesSharp.Interop;

public enum CUlaunchMemSyncDomain
{
    CU_LAUNCH_MEM_SYNC_DOMAIN_DEFAULT = 0,
    CU_LAUNCH_MEM_SYNC_DOMAIN_REMOTE = 1,
}
