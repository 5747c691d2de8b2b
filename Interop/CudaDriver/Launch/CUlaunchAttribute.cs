using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Explicit, Size = 72)]
public struct CUlaunchAttribute
{
    [FieldOffset(0)]
    public CUlaunchAttributeID id;

    [FieldOffset(8)]
    public CUlaunchAttributeValue value;
}
