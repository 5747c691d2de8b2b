using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct CUstreamMemOpWaitValueParams
{
    [FieldOffset(0)]
    public CUstreamBatchMemOpType operation;

    [FieldOffset(8)]
    public nint address;

    [FieldOffset(16)]
    public uint value;

    [FieldOffset(16)]
    public ulong value64;

    [FieldOffset(24)]
    public uint flags;

    [FieldOffset(32)]
    public nint alias;
}
