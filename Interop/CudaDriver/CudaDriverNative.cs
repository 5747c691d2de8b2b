using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>
/// The CUDA driver API. Functions have their exported names (cuMemAlloc_v2, not the header's cuMemAlloc), so that the layout each expects is fixed.
/// Handles (CUcontext, CUstream, CUgraph, ...) and CUdeviceptr are nint, CUdevice is int. A driver older than CUDA 12.2 may lack some
/// functions: a call throws <see cref="EntryPointNotFoundException"/>; what is newer than 12.2 is asked for by <see cref="CudaDriverFeatures"/>.
/// </summary>
public static unsafe partial class CudaDriverNative
{
    // Precise (not beforefieldinit) on purpose: runs before the first import of this class is bound.
    static CudaDriverNative() => NativeLibraryLocator.EnsureRegistered();

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuInit(uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDriverGetVersion(int* driverVersion);

    /// <summary><paramref name="pStr"/> receives a static string, null for an unknown code.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGetErrorName(CUresult error, byte** pStr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGetErrorString(CUresult error, byte** pStr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGetProcAddress_v2(byte* symbol, void** pfn, int cudaVersion, ulong flags, CUdriverProcAddressQueryResult* symbolStatus);
}
