using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAddressReserve(nint* ptr, nuint size, nuint alignment, nint addr, ulong flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAddressFree(nint ptr, nuint size);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemCreate(ulong* handle, nuint size, CUmemAllocationProp* prop, ulong flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemRelease(ulong handle);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemMap(nint ptr, nuint size, nuint offset, ulong handle, ulong flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemUnmap(nint ptr, nuint size);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemSetAccess(nint ptr, nuint size, CUmemAccessDesc* desc, nuint count);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemGetAccess(ulong* flags, CUmemLocation* location, nint ptr);

    /// <summary>For a POSIX descriptor <paramref name="shareableHandle"/> points at an int that receives it; the caller closes it.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemExportToShareableHandle(void* shareableHandle, ulong handle, CUmemAllocationHandleType handleType, ulong flags);

    /// <summary>For a POSIX descriptor <paramref name="osHandle"/> is the descriptor itself, cast to a pointer; the caller still closes it.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemImportFromShareableHandle(ulong* handle, void* osHandle, CUmemAllocationHandleType shHandleType);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemGetAllocationGranularity(nuint* granularity, CUmemAllocationProp* prop, CUmemAllocationGranularity_flags option);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp* prop, ulong handle);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemRetainAllocationHandle(ulong* handle, void* addr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemGetHandleForAddressRange(void* handle, nint dptr, nuint size, CUmemRangeHandleType handleType, ulong flags);
}
