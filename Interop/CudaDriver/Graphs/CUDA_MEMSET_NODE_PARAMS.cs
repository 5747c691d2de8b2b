using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUDA_MEMSET_NODE_PARAMS
{
    public nint dst;
    public nuint pitch;
    public uint value;
    public uint elementSize;
    public nuint width;
    public nuint height;
}
