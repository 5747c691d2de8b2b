using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct ncclWaitSignalDesc_t
{
    public int opCnt;
    public int peer;
    public int sigIdx;
    public int ctx;
}
