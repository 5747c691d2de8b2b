using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUDA_HOST_NODE_PARAMS
{
    public delegate* unmanaged[Cdecl]<void*, void> fn;
    public void* userData;
}
