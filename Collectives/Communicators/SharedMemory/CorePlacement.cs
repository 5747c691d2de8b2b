using System.Diagnostics;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Which core each rank of the node was last seen on, where there are more ranks than cores: a missing peer of this core can't come before this rank gives the core up, one of
/// another core comes without that. What is read here may be old; it decides how a rank waits, never for what.
/// </summary>
internal sealed unsafe class CorePlacement
{
    private const double LookSeconds = 1e-3;
    private const double FirstPauseSeconds = 0.1;
    private const double LongestPauseSeconds = 3.2;

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
    /// Whether more ranks than its share sit on this core, and it is time to do something about it: rarely, and more rarely the less it helps (other programs
    /// may hold the other cores).
    /// </summary>
    internal bool IsTimeToSpread()
    {
        long now = Stopwatch.GetTimestamp();
        if (now < _nextLook)
            return false;
        int here = 0;
        for (int peer = 0; peer < _ranks; peer++)
            here += IsHere(peer) ? 1 : 0;
        bool crowded = here > _fairShare;
        _nextLook = now + (long)((crowded ? _pause : LookSeconds) * Stopwatch.Frequency);
        _pause = crowded ? Math.Min(2 * _pause, LongestPauseSeconds) : FirstPauseSeconds;
        return crowded;
    }

    private ref int CoreOf(int rank) => ref *(int*)(_segment.Base + SegmentLayout.CellsOffset + ((long)rank * SegmentLayout.CellBytes) + SegmentLayout.CoreInCell);
}
