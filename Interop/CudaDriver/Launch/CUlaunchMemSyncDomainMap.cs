using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public struct CUlaunchMemSyncDomainMap
{
    public byte default_;
    public byte remote;
}
