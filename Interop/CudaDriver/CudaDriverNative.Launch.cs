using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    /// <summary>Keys of cuLaunchKernel's extra.</summary>
    public const nint CU_LAUNCH_PARAM_END = 0;
    public const nint CU_LAUNCH_PARAM_BUFFER_POINTER = 1;
    public const nint CU_LAUNCH_PARAM_BUFFER_SIZE = 2;

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLaunchKernel(
        nint f, uint gridDimX, uint gridDimY, uint gridDimZ, uint blockDimX, uint blockDimY, uint blockDimZ, uint sharedMemBytes, nint hStream,
        void** kernelParams, void** extra);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLaunchKernelEx(CUlaunchConfig* config, nint f, void** kernelParams, void** extra);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLaunchCooperativeKernel(
        nint f, uint gridDimX, uint gridDimY, uint gridDimZ, uint blockDimX, uint blockDimY, uint blockDimZ, uint sharedMemBytes, nint hStream,
        void** kernelParams);

    /// <summary>The callback runs on a thread of the driver, must call nothing of CUDA and let no exception out.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLaunchHostFunc(nint hStream, delegate* unmanaged[Cdecl]<void*, void> fn, void* userData);
}
