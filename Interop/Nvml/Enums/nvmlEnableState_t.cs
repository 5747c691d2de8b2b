namespace CollectivesSharp.Interop;

public enum nvmlEnableState_t
{
    NVML_FEATURE_DISABLED = 0,
    NVML_FEATURE_ENABLED = 1,
}
