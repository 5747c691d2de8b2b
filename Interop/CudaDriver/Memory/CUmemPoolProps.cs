using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>Zero it first: drivers refuse a reserved byte that is not 0.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct CUmemPoolProps
{
    public CUmemAllocationType allocType;
    public CUmemAllocationHandleType handleTypes;
    public CUmemLocation location;
    public void* win32SecurityAttributes;
    public nuint maxSize;
    public fixed byte reserved[56];
}
