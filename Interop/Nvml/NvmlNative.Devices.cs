using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NvmlNative
{
    public const int NVML_DEVICE_NAME_V2_BUFFER_SIZE = 96;
    public const int NVML_DEVICE_UUID_V2_BUFFER_SIZE = 96;
    public const uint NVML_DEVICE_MIG_DISABLE = 0;
    public const uint NVML_DEVICE_MIG_ENABLE = 1;
    public const uint NVML_DEVICE_ARCH_AMPERE = 7;
    public const uint NVML_DEVICE_ARCH_ADA = 8;
    public const uint NVML_DEVICE_ARCH_HOPPER = 9;
    public const uint NVML_DEVICE_ARCH_UNKNOWN = 0xffffffff;

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetCount_v2(uint* deviceCount);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(uint index, nint* device);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetHandleByUUID(byte* uuid, nint* device);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(byte* pciBusId, nint* device);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetIndex(nint device, uint* index);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetName(nint device, byte* name, uint length);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetUUID(nint device, byte* uuid, uint length);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMinorNumber(nint device, uint* minorNumber);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetBrand(nint device, nvmlBrandType_t* type);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetArchitecture(nint device, uint* arch);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nint device, int* major, int* minor);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMemoryInfo(nint device, nvmlMemory_t* memory);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nint device, nvmlMemory_v2_t* memory);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMigMode(nint device, uint* currentMode, uint* pendingMode);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nint device, uint* isMigDevice);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nint device, uint* count);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nint device, uint index, nint* migDevice);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nint migDevice, nint* device);
}
