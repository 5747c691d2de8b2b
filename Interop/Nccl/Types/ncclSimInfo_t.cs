using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary><see cref="NcclNative.NCCL_SIM_INFO_INITIALIZER"/> makes one.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ncclSimInfo_t
{
    public nuint size;
    public uint magic;
    public uint version;
    public float estimatedTime;
}
