using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>A union: nvmlFieldValue_t.valueType says which member holds.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct nvmlValue_t
{
    [FieldOffset(0)]
    public double dVal;

    [FieldOffset(0)]
    public int siVal;

    [FieldOffset(0)]
    public uint uiVal;

    [FieldOffset(0)]
    public nuint ulVal;

    [FieldOffset(0)]
    public ulong ullVal;

    [FieldOffset(0)]
    public long sllVal;
}
