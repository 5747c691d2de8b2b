using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUstreamMemOpFlushRemoteWritesParams
{
    public CUstreamBatchMemOpType operation;
    public uint flags;
}
