using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>Version 2, which the _v2 functions take.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUDA_KERNEL_NODE_PARAMS
{
    public nint func;
    public uint gridDimX;
    public uint gridDimY;
    public uint gridDimZ;
    public uint blockDimX;
    public uint blockDimY;
    public uint blockDimZ;
    public uint sharedMemBytes;
    public void** kernelParams;
    public void** extra;
    public nint kern;
    public nint ctx;
}
