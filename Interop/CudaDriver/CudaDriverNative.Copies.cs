using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpy(nint dst, nint src, nuint ByteCount);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyAsync(nint dst, nint src, nuint ByteCount, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyHtoD_v2(nint dstDevice, void* srcHost, nuint ByteCount);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyHtoDAsync_v2(nint dstDevice, void* srcHost, nuint ByteCount, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyDtoH_v2(void* dstHost, nint srcDevice, nuint ByteCount);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyDtoHAsync_v2(void* dstHost, nint srcDevice, nuint ByteCount, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyDtoD_v2(nint dstDevice, nint srcDevice, nuint ByteCount);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyDtoDAsync_v2(nint dstDevice, nint srcDevice, nuint ByteCount, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyPeer(nint dstDevice, nint dstContext, nint srcDevice, nint srcContext, nuint ByteCount);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpyPeerAsync(nint dstDevice, nint dstContext, nint srcDevice, nint srcContext, nuint ByteCount, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpy2D_v2(CUDA_MEMCPY2D* pCopy);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpy2DAsync_v2(CUDA_MEMCPY2D* pCopy, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpy3D_v2(CUDA_MEMCPY3D* pCopy);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemcpy3DAsync_v2(CUDA_MEMCPY3D* pCopy, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD8_v2(nint dstDevice, byte uc, nuint N);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD8Async(nint dstDevice, byte uc, nuint N, nint hStream);

    /// <summary><paramref name="N"/> counts elements, not bytes.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD16_v2(nint dstDevice, ushort us, nuint N);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD16Async(nint dstDevice, ushort us, nuint N, nint hStream);

    /// <summary><paramref name="N"/> counts elements, not bytes.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD32_v2(nint dstDevice, uint ui, nuint N);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD32Async(nint dstDevice, uint ui, nuint N, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD2D8Async(nint dstDevice, nuint dstPitch, byte uc, nuint Width, nuint Height, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuMemsetD2D32Async(nint dstDevice, nuint dstPitch, uint ui, nuint Width, nuint Height, nint hStream);
}
