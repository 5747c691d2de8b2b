using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUaccessPolicyWindow
{
    public void* base_ptr;
    public nuint num_bytes;
    public float hitRatio;
    public CUaccessProperty hitProp;
    public CUaccessProperty missProp;
}
