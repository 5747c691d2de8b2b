using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUDA_BATCH_MEM_OP_NODE_PARAMS
{
    public nint ctx;
    public uint count;
    public CUstreamBatchMemOpParams* paramArray;
    public uint flags;
}
