using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUmemLocation
{
    public CUmemLocationType type;
    public int id;
}
