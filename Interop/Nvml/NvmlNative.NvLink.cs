using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NvmlNative
{
    public const int NVML_NVLINK_MAX_LINKS = 18;
    public const uint NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON = 90;
    public const uint NVML_FI_DEV_NVLINK_LINK_COUNT = 91;
    public const uint NVML_FI_DEV_NVLINK_REMOTE_NVLINK_ID = 146;
    public const uint NVML_FI_DEV_NVSWITCH_CONNECTED_LINK_COUNT = 147;
    public const uint NVML_FI_DEV_NVLINK_GET_SPEED = 164;
    public const uint NVML_FI_DEV_NVLINK_GET_STATE = 165;
    public const uint NVML_FI_DEV_NVLINK_GET_VERSION = 166;
    public const uint NVML_FI_DEV_C2C_LINK_COUNT = 170;
    public const uint NVML_FI_DEV_C2C_LINK_GET_STATUS = 171;
    public const uint NVML_FI_DEV_C2C_LINK_GET_MAX_BW = 172;
    public const int NVML_GPU_FABRIC_UUID_LEN = 16;
    public const byte NVML_GPU_FABRIC_STATE_NOT_SUPPORTED = 0;
    public const byte NVML_GPU_FABRIC_STATE_NOT_STARTED = 1;
    public const byte NVML_GPU_FABRIC_STATE_IN_PROGRESS = 2;
    public const byte NVML_GPU_FABRIC_STATE_COMPLETED = 3;

    /// <summary>From sm_90 on ask field NVML_FI_DEV_NVLINK_GET_STATE with the link as scopeId instead.</summary>
    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetNvLinkState(nint device, uint link, nvmlEnableState_t* isActive);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetNvLinkVersion(nint device, uint link, uint* version);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetNvLinkCapability(nint device, uint link, nvmlNvLinkCapability_t capability, uint* capResult);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nint device, uint link, nvmlPciInfo_t* pci);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetNvLinkRemoteDeviceType(nint device, uint link, nvmlIntNvLinkDeviceType_t* pNvLinkDeviceType);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetFieldValues(nint device, int valuesCount, nvmlFieldValue_t* values);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetGpuFabricInfo(nint device, nvmlGpuFabricInfo_t* gpuFabricInfo);

    /// <summary>Driver 545 or newer. <paramref name="gpuFabricInfo"/> points at a nvmlGpuFabricInfo_v2_t or _v3_t whose version <see cref="StructVersion"/> gave.</summary>
    public static nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nint device, void* gpuFabricInfo)
    {
        try { return Optional.nvmlDeviceGetGpuFabricInfoV(device, gpuFabricInfo); }
        catch (EntryPointNotFoundException missing) { throw NvmlFeatures.Missing(nameof(nvmlDeviceGetGpuFabricInfoV), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nvml)]
        internal static partial nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nint device, void* gpuFabricInfo);
    }
}
