using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>Zeroed memory of this process alone, on a boundary of 4 KiB.</summary>
internal sealed unsafe class PrivateHostMemory : SafeBuffer
{
    internal PrivateHostMemory(nuint bytes)
        : base(ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        void* memory = NativeMemory.AlignedAlloc(bytes, SegmentLayout.PageBytes);
        NativeMemory.Clear(memory, bytes);
        SetHandle((nint)memory);
        Initialize(bytes);
    }

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
