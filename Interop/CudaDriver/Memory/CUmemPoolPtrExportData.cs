using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUmemPoolPtrExportData
{
    public fixed byte reserved[64];
}
