using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUDA_GRAPH_INSTANTIATE_PARAMS
{
    public ulong flags;
    public nint hUploadStream;
    public nint hErrNode_out;
    public CUgraphInstantiateResult result_out;
}
