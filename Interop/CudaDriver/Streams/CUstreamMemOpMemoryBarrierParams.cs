using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUstreamMemOpMemoryBarrierParams
{
    public CUstreamBatchMemOpType operation;
    public uint flags;
}
