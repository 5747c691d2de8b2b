using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>
/// Copies of short messages that MPI has not taken over yet, so that a send returns before its receiver comes. All members want <see cref="MpiRuntime.Lock"/>. Outlives its
/// communicator until all are gone.
/// </summary>
internal sealed unsafe class MpiSendSlots(nuint slotBytes) : IDisposable
{
    /// <summary>2 MiB at most; a message below MPI's own eager limit gives its slot back at once.</summary>
    private const int Count = 64;

    private readonly MpiRequests _requests = new(Count);
    private readonly nint[] _buffers = new nint[Count];

    internal MpiRequests Requests => _requests;

    /// <summary>A slot that is free now, or -1: so many are unread.</summary>
    internal int TryTake()
    {
        for (int slot = 0; slot < Count; slot++)
        {
            if (_requests.IsActive(slot) && !_requests.Test(slot))
                continue;
            if (_buffers[slot] == 0)
                _buffers[slot] = (nint)NativeMemory.AlignedAlloc(slotBytes, 64);
            return slot;
        }

        return -1;
    }

    internal byte* Buffer(int slot) => (byte*)_buffers[slot];

    /// <summary>Lets MPI work; true if nothing is under way.</summary>
    internal bool Progress() => _requests.TestAll();

    public void Dispose()
    {
        foreach (nint buffer in _buffers)
            NativeMemory.AlignedFree((void*)buffer);
        _requests.Dispose();
    }
}
