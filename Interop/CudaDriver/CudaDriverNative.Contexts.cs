using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDevicePrimaryCtxRetain(nint* pctx, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDevicePrimaryCtxRelease_v2(int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDevicePrimaryCtxSetFlags_v2(int dev, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDevicePrimaryCtxGetState(int dev, uint* flags, int* active);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDevicePrimaryCtxReset_v2(int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxCreate_v2(nint* pctx, uint flags, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxDestroy_v2(nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxPushCurrent_v2(nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxPopCurrent_v2(nint* pctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxSetCurrent(nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetCurrent(nint* pctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetDevice(int* device);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetFlags(uint* flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxSetFlags(uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetId(nint ctx, ulong* ctxId);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxSynchronize();

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxSetLimit(CUlimit limit, nuint value);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetLimit(nuint* pvalue, CUlimit limit);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetApiVersion(nint ctx, uint* version);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxGetStreamPriorityRange(int* leastPriority, int* greatestPriority);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxResetPersistingL2Cache();

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxEnablePeerAccess(nint peerContext, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuCtxDisablePeerAccess(nint peerContext);
}
