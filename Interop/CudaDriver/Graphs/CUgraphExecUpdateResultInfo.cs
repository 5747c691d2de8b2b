using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUgraphExecUpdateResultInfo
{
    public CUgraphExecUpdateResult result;
    public nint errorNode;
    public nint errorFromNode;
}
