using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Two lines of host memory that devices reach: a fault record and a word of the owner's. Out of pinned pages of the process that are never given back, because giving them back waits for the device.
/// </summary>
internal sealed unsafe class PinnedCell
{
    private const int PageBytes = 4096;
    private const int LineBytes = 128;
    private const uint Portable = 1;
    private const uint DeviceMap = 2;

    private static readonly Lock s_lock = new();
    private static readonly Stack<nint> s_free = [];

    private PinnedCell(nint address) => Address = address;

    /// <summary>A <see cref="PeerFault"/>, zeros at first; on the next line the word.</summary>
    internal nint Address { get; }

    internal PeerFault* Fault => (PeerFault*)Address;

    internal long* Word => (long*)(Address + LineBytes);

    /// <summary>The device's context is current.</summary>
    internal static PinnedCell Take()
    {
        lock (s_lock)
        {
            if (s_free.Count == 0)
            {
                void* page;
                CUresult result = CudaDriverNative.cuMemHostAlloc(&page, PageBytes, Portable | DeviceMap);
                if (result != CUresult.CUDA_SUCCESS)
                    throw new CudaException($"{PageBytes} bytes of pinned host memory: cuMemHostAlloc: {result} ({(int)result}).", result);
                for (int offset = PageBytes - (2 * LineBytes); offset >= 0; offset -= 2 * LineBytes)
                    s_free.Push((nint)page + offset);
            }

            PinnedCell cell = new(s_free.Pop());
            new Span<byte>((void*)cell.Address, 2 * LineBytes).Clear();
            return cell;
        }
    }

    /// <summary>No kernel uses it any more.</summary>
    internal void GiveBack()
    {
        lock (s_lock)
            s_free.Push(Address);
    }
}
