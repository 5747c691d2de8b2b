using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Where one rank of a node sleeps until a peer writes to it or reads from it. No wake-up is lost: the sleeper says that it sleeps (full fence) before it looks
/// at the rings for the last time; who moves a ring's position does so (full fence) before it looks whether the other one sleeps.
/// </summary>
internal sealed unsafe class RingBell(SharedSegment segment, int cell)
{
    private readonly int* _bell = (int*)(segment.Base + SegmentLayout.CellsOffset + ((long)cell * SegmentLayout.CellBytes) + SegmentLayout.BellInCell);
    private readonly int* _asleep = (int*)(segment.Base + SegmentLayout.CellsOffset + ((long)cell * SegmentLayout.CellBytes) + SegmentLayout.AsleepInCell);

    /// <summary>Announces that this rank is about to sleep; look once more, then <see cref="Sleep"/> with the result or <see cref="WakeUp"/>.</summary>
    internal int FallAsleep()
    {
        Interlocked.Exchange(ref *_asleep, 1);
        return Volatile.Read(ref *_bell);
    }

    internal void Sleep(int bell, double milliseconds)
    {
        long nanoseconds = (long)(milliseconds * 1e6);
        timespec timeout = new() { tv_sec = nanoseconds / 1_000_000_000, tv_nsec = nanoseconds % 1_000_000_000 };
        PosixNative.futex_wait(_bell, bell, &timeout);
        WakeUp();
    }

    internal void WakeUp() => Volatile.Write(ref *_asleep, 0);

    /// <summary>By a peer, after it has moved a position.</summary>
    internal void RingIfAsleep()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref *_asleep) == 0)
            return;
        Interlocked.Increment(ref *_bell);
        PosixNative.futex_wake(_bell, 1);
    }
}
