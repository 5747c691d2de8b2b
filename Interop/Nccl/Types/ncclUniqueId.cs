using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>128 opaque bytes, passed by value.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct ncclUniqueId
{
    public fixed byte @internal[128];
}
