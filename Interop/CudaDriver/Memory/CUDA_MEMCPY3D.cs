using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUDA_MEMCPY3D
{
    public nuint srcXInBytes;
    public nuint srcY;
    public nuint srcZ;
    public nuint srcLOD;
    public CUmemorytype srcMemoryType;
    public void* srcHost;
    public nint srcDevice;
    public nint srcArray;
    public void* reserved0;
    public nuint srcPitch;
    public nuint srcHeight;
    public nuint dstXInBytes;
    public nuint dstY;
    public nuint dstZ;
    public nuint dstLOD;
    public CUmemorytype dstMemoryType;
    public void* dstHost;
    public nint dstDevice;
    public nint dstArray;
    public void* reserved1;
    public nuint dstPitch;
    public nuint dstHeight;
    public nuint WidthInBytes;
    public nuint Height;
    public nuint Depth;
}
