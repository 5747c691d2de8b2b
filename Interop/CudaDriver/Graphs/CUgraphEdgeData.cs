using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUgraphEdgeData
{
    public byte from_port;
    public byte to_port;
    public byte type;
    public fixed byte reserved[5];
}
