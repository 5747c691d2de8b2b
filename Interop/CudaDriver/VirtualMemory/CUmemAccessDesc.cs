using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUmemAccessDesc
{
    public CUmemLocation location;
    public CUmemAccess_flags flags;
}
