using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>C's member struct allocFlags is spelled out: allocFlags.usage is allocFlags_usage.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUmemAllocationProp
{
    public CUmemAllocationType type;
    public CUmemAllocationHandleType requestedHandleTypes;
    public CUmemLocation location;
    public void* win32HandleMetaData;
    public byte allocFlags_compressionType;
    public byte allocFlags_gpuDirectRDMACapable;
    public ushort allocFlags_usage;
    public fixed byte allocFlags_reserved[4];
}
