using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct nvmlMemory_t
{
    public ulong total;
    public ulong free;
    public ulong used;
}
