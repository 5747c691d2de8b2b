using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Memory that the ranks of a node have allocated together and all map: pages with a byte for each rank, set when that rank has released its part, then the parts. The ranks name it to each other by
/// <see cref="Id"/>. Whoever releases its part gives the memory back at once; the addresses go once all have (<see cref="IsReleased()"/>).
/// </summary>
internal sealed unsafe class HostRegion : IDisposable
{
    private readonly SharedSegment _segment;
    private readonly int _ranks;
    private readonly int _rank;
    private readonly long _stride;
    private readonly byte* _own;

    /// <summary>Maps the file of <paramref name="descriptor"/>, which has <see cref="TotalBytes"/>, and reserves the own part of it.</summary>
    internal HostRegion(int descriptor, long id, nuint bytes, int ranks, int rank)
    {
        (Id, _ranks, _rank, _stride) = (id, ranks, rank, RoundUp((long)bytes));
        SharedSegment.Reserve(descriptor, Start(rank), _stride);
        if (rank == 0)
            SharedSegment.Reserve(descriptor, 0, RoundUp(ranks));
        _segment = SharedSegment.Map(descriptor, TotalBytes(bytes, ranks));
        _own = Part(rank);
        Own = new OwnPart(this, bytes);
    }

    internal static long TotalBytes(nuint bytes, int ranks) => RoundUp(ranks) + (ranks * RoundUp((long)bytes));

    internal long Id { get; }

    /// <summary>What the caller gets. Held here as well, so that it is not finalized while the group can still use it.</summary>
    internal SafeBuffer Own { get; }

    internal byte* Part(int rank) => _segment.Base + Start(rank);

    /// <summary>How far into the own part <paramref name="address"/> lies; -1 outside of it, and once it is released.</summary>
    internal long OffsetOf(byte* address)
    {
        long offset = (long)address - (long)_own;
        return (ulong)offset < (ulong)_stride && !IsReleased(_rank) ? offset : -1;
    }

    internal bool IsReleased()
    {
        for (int rank = 0; rank < _ranks; rank++)
        {
            if (!IsReleased(rank))
                return false;
        }

        return true;
    }

    /// <summary>The addresses, once <see cref="Own"/> is released as well.</summary>
    public void Dispose() => _segment.Dispose();

    private bool IsReleased(int rank) => Volatile.Read(ref _segment.Base[rank]) != 0;

    private long Start(int rank) => RoundUp(_ranks) + (rank * _stride);

    private static long RoundUp(long bytes) => (bytes + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize;

    private sealed class OwnPart : SafeBuffer
    {
        private readonly HostRegion _region;

        internal OwnPart(HostRegion region, nuint bytes)
            : base(ownsHandle: true)
        {
            bool held = false;
            region._segment.DangerousAddRef(ref held);
            _region = region;
            SetHandle((nint)region._own);
            Initialize(bytes);
        }

        protected override bool ReleaseHandle()
        {
            Volatile.Write(ref _region._segment.Base[_region._rank], 1);
            int error = PosixNative.madvise(handle, (nuint)_region._stride, PosixNative.MADV_REMOVE);
            _region._segment.DangerousRelease();
            return error == 0;
        }
    }
}
