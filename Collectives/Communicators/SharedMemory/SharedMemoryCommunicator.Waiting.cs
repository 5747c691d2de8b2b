using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    private const int PollsPerLook = 64;

    /// <summary>How often a rank that sleeps in a collective takes in messages: a sender whose ring is full waits that long at most.</summary>
    private const double MessageLookMilliseconds = 20;

    private ref int Bell => ref *(int*)(_segment.Base + SegmentLayout.BellOffset);

    private ref int Sleepers => ref *(int*)(_segment.Base + SegmentLayout.SleepersOffset);

    /// <summary>
    /// Where a rank publishes a phase: odd and even ones apart. A rank is at most one phase ahead of any other (the next one needs that one's), so the word still
    /// holds this phase, and what was shown with it is not written again, until the reader has published the phase behind it.
    /// </summary>
    private byte* Signal(int rank, long phase) => Cell(rank) + ((phase & 1) * SegmentLayout.SignalBytes);

    private ref long PhaseOf(int rank, long phase) => ref *(long*)(Signal(rank, phase) + SegmentLayout.PhaseInSignal);

    /// <summary>The phase that every call begins with: all ranks have entered it, and they have entered the same call.</summary>
    private void FirstPhase()
    {
        PublishFirst();
        AwaitFirst();
    }

    /// <summary>
    /// Publishes all that this rank has written and waits until every peer has published as much: on return the peers' writes of this phase are visible, and
    /// all that they read in earlier phases has been read.
    /// </summary>
    private void NextPhase()
    {
        Publish();
        Await();
    }

    private void PublishFirst()
    {
        *(long*)(Signal(_rank, _phase + 1) + SegmentLayout.CallInSignal) = _call.Signature;
        Publish();
    }

    private void AwaitFirst()
    {
        Await();
        long own = _call.Signature;
        for (int peer = 0; peer < _members.Length; peer++)
        {
            if (*(long*)(Signal(peer, _phase) + SegmentLayout.CallInSignal) != own || (own < 0 && !IsOwnCall(CallSlot(peer))))
                ThrowMismatch();
        }
    }

    private bool IsOwnCall(long* slot) => slot[0] == _call.Word && slot[1] == _call.Count && slot[2] == _call.Digest;

    private void Publish()
    {
        long phase = ++_phase;

        // Release for the data before it, and a full fence against the read of Sleepers behind it: see Sleep.
        Interlocked.Exchange(ref PhaseOf(_rank, phase), phase);
        if (Volatile.Read(ref Sleepers) != 0 && Complete(phase))
            RingBell();
    }

    private void Await()
    {
        long phase = _phase;
        int peer = FirstMissing(0, phase);
        if (peer < _members.Length && (peer = Poll(peer, phase)) < _members.Length)
            Sleep(phase);
    }

    private bool Complete(long phase) => FirstMissing(0, phase) == _members.Length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FirstMissing(int from, long phase)
    {
        while (from < _members.Length && Volatile.Read(ref PhaseOf(from, phase)) >= phase)
            from++;
        return from;
    }

    private int Poll(int peer, long phase)
    {
        if (_spin.SpinTicks > 0)
        {
            long end = Stopwatch.GetTimestamp() + _spin.SpinTicks;
            do
            {
                for (int i = 0; i < PollsPerLook; i++)
                {
                    Pause();
                    if ((peer = FirstMissing(peer, phase)) == _members.Length)
                        return peer;
                }

                // The awaited peer may be runnable on this very core: ranks that are not bound get stacked there.
                Thread.Yield();
            }
            while (Stopwatch.GetTimestamp() < end && !_board.IsRaised);
        }

        return _placement is null ? peer : Offer(peer, phase, _placement);
    }

    /// <summary>Polls while the missing are elsewhere, and offers this core to those that need it.</summary>
    private int Offer(int peer, long phase, CorePlacement placement)
    {
        for (int i = 0; i < _spin.Yields; i++)
        {
            long now = Stopwatch.GetTimestamp();
            placement.Note();
            placement.Spread(now);
            if (!AnyMissingHere(peer, phase, placement))
            {
                long end = now + SpinPolicy.PollElsewhereTicks;
                do
                {
                    Pause();
                    if ((peer = FirstMissing(peer, phase)) == _members.Length)
                        return peer;
                }
                while (Stopwatch.GetTimestamp() < end && !_board.IsRaised);
            }

            Thread.Yield();
            if ((peer = FirstMissing(peer, phase)) == _members.Length)
                return peer;
        }

        return peer;
    }

    private bool AnyMissingHere(int peer, long phase, CorePlacement placement)
    {
        for (; peer < _members.Length; peer = FirstMissing(peer + 1, phase))
        {
            if (placement.IsHere(peer))
                return true;
        }

        return false;
    }

    internal static void Pause()
    {
        if (X86Base.IsSupported)
            X86Base.Pause();
        else if (ArmBase.IsSupported)
            ArmBase.Yield();
        else
            Thread.SpinWait(1);
    }

    /// <summary>
    /// No wake-up is lost: a sleeper counts itself (full fence) before it looks at the phases, and who publishes a phase does so (full fence) before it looks
    /// at the count. Of the last two to arrive at least one sees all phases and rings. The bell's value is read before the phases and the abort word
    /// are looked at, so whatever rings after that look makes the futex return.
    /// </summary>
    private void Sleep(long phase)
    {
        while (true)
        {
            Interlocked.Increment(ref Sleepers);
            try
            {
                int bell = Volatile.Read(ref Bell);
                if (Complete(phase))
                    return;
                double slice = _gate.SliceLeft();
                ThrowIfHopeless(phase, slice);

                // A peer may be on its way here behind messages that fill its ring.
                _messenger.TakeIn();
                slice = Math.Min(slice, MessageLookMilliseconds);
                long nanoseconds = (long)(slice * 1e6);
                timespec timeout = new() { tv_sec = nanoseconds / 1_000_000_000, tv_nsec = nanoseconds % 1_000_000_000 };
                PosixNative.futex_wait((int*)(_segment.Base + SegmentLayout.BellOffset), bell, &timeout);
            }
            finally
            {
                Interlocked.Decrement(ref Sleepers);
            }
        }
    }

    private void RingBell()
    {
        Interlocked.Increment(ref Bell);
        PosixNative.futex_wake((int*)(_segment.Base + SegmentLayout.BellOffset), int.MaxValue);
    }

    /// <summary>Looks for every reason why the missing ranks will not come. Only called with ranks missing.</summary>
    private void ThrowIfHopeless(long phase, double timeLeft)
    {
        if (!_board.IsRaised)
        {
            _gate.ThrowIfCancelled();
            for (int peer = FirstMissing(0, phase); peer < _members.Length; peer = FirstMissing(peer + 1, phase))
            {
                // Left is written after the last phase: seen set, a phase that is still missing will not come.
                if (_board.HasLeft(peer) && Volatile.Read(ref PhaseOf(peer, phase)) < phase)
                    _board.Raise(AbortWord.Kind.Left, peer, _rank);
            }

            if (timeLeft <= 0 && Missing(phase) is { Count: > 0 } missing)
                _board.RaiseSilent(missing);
        }

        // Peers that saw this phase complete may have compared calls and aborted since; then this rank can compare too, and say more.
        if (_board.IsRaised && !Complete(phase))
            throw _gate.CreateFault();
    }

    private List<int> Missing(long phase)
    {
        List<int> missing = [];
        for (int peer = FirstMissing(0, phase); peer < _members.Length; peer = FirstMissing(peer + 1, phase))
            missing.Add(peer);
        return missing;
    }
}
