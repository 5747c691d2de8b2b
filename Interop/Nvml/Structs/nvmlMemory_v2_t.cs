using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct nvmlMemory_v2_t
{
    public uint version;
    public ulong total;
    public ulong reserved;
    public ulong free;
    public ulong used;
}
