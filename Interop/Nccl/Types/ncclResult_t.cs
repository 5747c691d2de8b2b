namespace CollectivesSharp.Interop;

public enum ncclResult_t
{
    ncclSuccess = 0,
    ncclUnhandledCudaError = 1,
    ncclSystemError = 2,
    ncclInternalError = 3,
    ncclInvalidArgument = 4,
    ncclInvalidUsage = 5,
    ncclRemoteError = 6,
    ncclInProgress = 7,

    /// <summary>NCCL 2.30.3. Newer versions may add codes: whatever is not known is an error.</summary>
    ncclTimeout = 8,
}
