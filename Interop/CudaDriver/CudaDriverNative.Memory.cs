using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    public const uint CU_MEMHOSTALLOC_PORTABLE = 0x01;
    public const uint CU_MEMHOSTALLOC_DEVICEMAP = 0x02;
    public const uint CU_MEMHOSTALLOC_WRITECOMBINED = 0x04;
    public const uint CU_MEMHOSTREGISTER_PORTABLE = 0x01;
    public const uint CU_MEMHOSTREGISTER_DEVICEMAP = 0x02;
    public const uint CU_MEMHOSTREGISTER_IOMEMORY = 0x04;
    public const uint CU_MEMHOSTREGISTER_READ_ONLY = 0x08;

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemGetInfo_v2(nuint* free, nuint* total);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAlloc_v2(nint* dptr, nuint bytesize);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAllocPitch_v2(nint* dptr, nuint* pPitch, nuint WidthInBytes, nuint Height, uint ElementSizeBytes);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemFree_v2(nint dptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAllocManaged(nint* dptr, nuint bytesize, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemGetAddressRange_v2(nint* pbase, nuint* psize, nint dptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemAllocHost_v2(void** pp, nuint bytesize);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemHostAlloc(void** pp, nuint bytesize, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemFreeHost(void* p);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemHostRegister_v2(void* p, nuint bytesize, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemHostUnregister(void* p);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemHostGetDevicePointer_v2(nint* pdptr, void* p, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemHostGetFlags(uint* pFlags, void* p);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuPointerGetAttribute(void* data, CUpointer_attribute attribute, nint ptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuPointerGetAttributes(uint numAttributes, CUpointer_attribute* attributes, void** data, nint ptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuPointerSetAttribute(void* value, CUpointer_attribute attribute, nint ptr);
}
