namespace CollectivesSharp.Interop;

public enum ncclCommMemStat_t
{
    ncclStatGpuMemSuspend = 0,
    ncclStatGpuMemSuspended = 1,
    ncclStatGpuMemPersist = 2,
    ncclStatGpuMemTotal = 3,
}
