using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUuuid
{
    public fixed byte bytes[16];
}
