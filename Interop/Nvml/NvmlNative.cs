using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>
/// What a topology detector asks of NVML. nvmlDevice_t is nint. Indexes are NVML's, which CUDA_VISIBLE_DEVICES does not change: match devices with CUDA by
/// bus id or UUID. Thread-safe; init and shutdown are counted.
/// </summary>
public static unsafe partial class NvmlNative
{
    public const uint NVML_INIT_FLAG_NO_GPUS = 1;
    public const uint NVML_INIT_FLAG_NO_ATTACH = 2;
    public const int NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE = 80;
    public const int NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE = 80;

    // Precise (not beforefieldinit) on purpose: runs before the first import of this class is bound.
    static NvmlNative() => NativeLibraryLocator.EnsureRegistered();

    /// <summary>C's NVML_STRUCT_VERSION: what a versioned struct's version field must hold.</summary>
    public static uint StructVersion<T>(uint version)
        where T : unmanaged => (uint)sizeof(T) | (version << 24);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlInit_v2();

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlInitWithFlags(uint flags);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlShutdown();

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial byte* nvmlErrorString(nvmlReturn_t result);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlSystemGetDriverVersion(byte* version, uint length);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlSystemGetNVMLVersion(byte* version, uint length);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int* cudaDriverVersion);
}
