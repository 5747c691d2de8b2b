using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAllocAsync(nint* dptr, nuint bytesize, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemFreeAsync(nint dptr, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAllocFromPoolAsync(nint* dptr, nuint bytesize, nint pool, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolCreate(nint* pool, CUmemPoolProps* poolProps);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolDestroy(nint pool);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolTrimTo(nint pool, nuint minBytesToKeep);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolSetAttribute(nint pool, CUmemPool_attribute attr, void* value);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolGetAttribute(nint pool, CUmemPool_attribute attr, void* value);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolSetAccess(nint pool, CUmemAccessDesc* map, nuint count);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolGetAccess(CUmemAccess_flags* flags, nint memPool, CUmemLocation* location);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolExportToShareableHandle(void* handle_out, nint pool, CUmemAllocationHandleType handleType, ulong flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolImportFromShareableHandle(nint* pool_out, void* handle, CUmemAllocationHandleType handleType, ulong flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolExportPointer(CUmemPoolPtrExportData* shareData_out, nint ptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemPoolImportPointer(nint* ptr_out, nint pool, CUmemPoolPtrExportData* shareData);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetDefaultMemPool(nint* pool_out, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceSetMemPool(int dev, nint pool);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetMemPool(nint* pool, int dev);
}
