using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>Zeroed memory of this process alone, on a page's boundary.</summary>
internal sealed unsafe class PrivateHostMemory : SafeBuffer
{
    private const int PageBytes = 4096;

    internal PrivateHostMemory(nuint bytes)
        : base(ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        void* memory = NativeMemory.AlignedAlloc(bytes, PageBytes);
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
