using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct nvmlGpuFabricInfo_v3_t
{
    public uint version;
    public fixed byte clusterUuid[16];
    public nvmlReturn_t status;
    public uint cliqueId;
    public byte state;
    public uint healthMask;
    public byte healthSummary;
}
