using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    public const int CU_DEVICE_CPU = -1;
    public const int CU_DEVICE_INVALID = -2;

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetCount(int* count);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGet(int* device, int ordinal);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetName(byte* name, int len, int dev);

    /// <summary>A MIG instance gives its own identity here, the physical GPU's elsewhere.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetUuid_v2(CUuuid* uuid, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceTotalMem_v2(nuint* bytes, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetAttribute(int* pi, CUdevice_attribute attrib, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetByPCIBusId(int* dev, byte* pciBusId);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetPCIBusId(byte* pciBusId, int len, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceCanAccessPeer(int* canAccessPeer, int dev, int peerDev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute attrib, int srcDevice, int dstDevice);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target, CUflushGPUDirectRDMAWritesScope scope);
}
