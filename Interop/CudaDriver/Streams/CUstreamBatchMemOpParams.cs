using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>A union.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
public struct CUstreamBatchMemOpParams
{
    [FieldOffset(0)]
    public CUstreamBatchMemOpType operation;

    [FieldOffset(0)]
    public CUstreamMemOpWaitValueParams waitValue;

    [FieldOffset(0)]
    public CUstreamMemOpWriteValueParams writeValue;

    [FieldOffset(0)]
    public CUstreamMemOpFlushRemoteWritesParams flushRemoteWrites;

    [FieldOffset(0)]
    public CUstreamMemOpMemoryBarrierParams memoryBarrier;
}
