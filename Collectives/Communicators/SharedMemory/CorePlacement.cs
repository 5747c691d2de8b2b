using System.Diagnostics;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Which core each rank of the node was last seen on, where there are more ranks than cores: a missing peer of this core can't come before this rank gives the core up, one of
/// another core comes without that. What is read here may be old; it decides how and where a rank waits, never for what.
/// </summary>
internal sealed unsafe class CorePlacement
{
    private const double LookSeconds = 1e-3;
    private const double FirstPauseSeconds = 0.01;
    private const double LongestPauseSeconds = 3.2;

    /// <summary>As many processors as Linux counts on any machine (8192), a bit each.</summary>
    private const int MaskBytes = 1024;

    private readonly SharedSegment _segment;
    private readonly int _ranks;
    private readonly int _rank;
    private readonly int _fairShare;
    private int _core;
    private long _nextLook;
    private double _pause = FirstPauseSeconds;

    /// <summary>Does not take over <paramref name="segment"/>.</summary>
    internal CorePlacement(SharedSegment segment, int ranks, int rank, int fairShare)
    {
        _segment = segment;
        _ranks = ranks;
        _rank = rank;
        _fairShare = fairShare;
        Note();

        // The first call of an import allocates, which a collective must not: both are made here, the mask stays as it is.
        byte* allowed = stackalloc byte[MaskBytes];
        if (PosixNative.sched_getaffinity(0, MaskBytes, allowed) == 0)
            _ = PosixNative.sched_setaffinity(0, MaskBytes, allowed);
    }

    /// <summary>Tells the peers which core this rank runs on.</summary>
    internal void Note() => Note(PosixNative.sched_getcpu());

    /// <summary>-1: not known.</summary>
    internal void Note(int core)
    {
        if (core + 1 != _core)
            Volatile.Write(ref CoreOf(_rank), _core = core + 1);
    }

    internal bool IsHere(int peer) => _core != 0 && Volatile.Read(ref CoreOf(peer)) == _core;

    /// <summary>
    /// Moves the calling thread if its core has more than its share of ranks, and another one that it may run on has room. Linux is slow to do that: a thread that ran within its
    /// sched_migration_cost (half a millisecond) stays where it is, which is all that offer the core to each other every few microseconds. Four ranks were seen on one of two cores for
    /// hundreds of milliseconds: 8 µs for an all-to-all of 128 bytes, which takes 3 to 4 with two on each. The thread may run where it could before: the mask is narrowed to one core and put back at
    /// once. Tried rarely, and more rarely the less it helps: where another program keeps a core busy, the kernel takes the rank back, and rightly so.
    /// </summary>
    internal void Spread(long now)
    {
        if (now >= _nextLook)
            Look(now);
    }

    private void Look(long now)
    {
        bool crowded = On(_core) > _fairShare;
        if (!crowded || !IsLastHere())
        {
            _nextLook = now + (long)(LookSeconds * Stopwatch.Frequency);
            _pause = crowded ? _pause : FirstPauseSeconds;
            return;
        }

        _nextLook = now + (long)(_pause * Stopwatch.Frequency);
        _pause = Math.Min(2 * _pause, LongestPauseSeconds);
        byte* allowed = stackalloc byte[MaskBytes];
        byte* one = stackalloc byte[MaskBytes];
        int core = PosixNative.sched_getaffinity(0, MaskBytes, allowed) == 0 ? FindRoom(new ReadOnlySpan<byte>(allowed, MaskBytes)) : -1;
        if (core < 0)
            return;
        one[core / 8] = (byte)(1 << (core % 8));
        if (PosixNative.sched_setaffinity(0, MaskBytes, one) != 0)
            return;
        _ = PosixNative.sched_setaffinity(0, MaskBytes, allowed);
        Note(core);
    }

    /// <summary>The core of <paramref name="allowed"/> with the fewest ranks, if that is less than its share; else -1.</summary>
    internal int FindRoom(ReadOnlySpan<byte> allowed)
    {
        int best = -1, least = _fairShare;
        for (int core = 0; core < 8 * allowed.Length && least > 0; core++)
        {
            if ((allowed[core / 8] & (1 << (core % 8))) != 0 && On(core + 1) is int ranks && ranks < least)
                (best, least) = (core, ranks);
        }

        return best;
    }

    /// <summary>One at a time leaves, lest all of them do.</summary>
    private bool IsLastHere()
    {
        for (int peer = _rank + 1; peer < _ranks; peer++)
        {
            if (IsHere(peer))
                return false;
        }

        return true;
    }

    private int On(int word)
    {
        int ranks = 0;
        for (int peer = 0; word != 0 && peer < _ranks; peer++)
            ranks += Volatile.Read(ref CoreOf(peer)) == word ? 1 : 0;
        return ranks;
    }

    private ref int CoreOf(int rank) => ref *(int*)(_segment.Base + SegmentLayout.CellsOffset + ((long)rank * SegmentLayout.CellBytes) + SegmentLayout.CoreInCell);
}
