using System.Diagnostics;
using System.Runtime.CompilerServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    private const int PollsPerLook = 16;
    private const long ShortNapNanoseconds = 50_000;
    private const long LongNapNanoseconds = 1_000_000;

    /// <summary>A waiter that has nothing to spin for offers its core so long, then naps briefly, then longer: MPI has no call that sleeps until something comes.</summary>
    private static readonly long s_yieldTicks = Stopwatch.Frequency / 500;
    private static readonly long s_briefTicks = Stopwatch.Frequency / 10;

    /// <summary>Something that the call in flight waits for. Structs, so that the loop is compiled for each and nothing is allocated.</summary>
    private interface ICondition
    {
        /// <summary>Lets MPI work and looks; under the lock.</summary>
        bool IsMet(MpiHostCommunicator self);

        /// <summary>Under the lock: the member of the group that has to act first, and whether it has left for good.</summary>
        int Missing(MpiHostCommunicator self, out bool left);
    }

    private void Wait<TCondition>(ref TCondition condition)
        where TCondition : struct, ICondition
    {
        if (!IsMet(ref condition))
            WaitLonger(ref condition);
    }

    private bool IsMet<TCondition>(ref TCondition condition)
        where TCondition : struct, ICondition
    {
        try
        {
            lock (MpiRuntime.Lock)
                return condition.IsMet(this);
        }
        catch (MpiException e)
        {
            throw Failed(e);
        }
    }

    private void WaitLonger<TCondition>(ref TCondition condition)
        where TCondition : struct, ICondition
    {
        long start = Stopwatch.GetTimestamp();
        if (_deadline == 0)
            _deadline = start + (long)(_callTimeout.TotalSeconds * Stopwatch.Frequency);
        long now = start;
        for (int poll = 1; ; poll++)
        {
            long waited = now - start;
            if (waited < _spin.SpinTicks)
                Thread.SpinWait(4);
            else if (waited < _spin.SpinTicks + s_yieldTicks)
                Thread.Yield();
            else
                Nap(waited < s_briefTicks ? ShortNapNanoseconds : LongNapNanoseconds);
            if (IsMet(ref condition))
                return;
            now = Stopwatch.GetTimestamp();
            if (poll % PollsPerLook == 0 || waited >= s_yieldTicks)
                ThrowIfHopeless(ref condition, now);
        }
    }

    private static void Nap(long nanoseconds)
    {
        int word = 0;
        timespec timeout = new() { tv_nsec = (nint)nanoseconds };
        PosixNative.futex_wait(&word, 0, &timeout);
    }

    /// <summary>Looks for every reason why what is missing will not come.</summary>
    private void ThrowIfHopeless<TCondition>(ref TCondition condition, long now)
        where TCondition : struct, ICondition
    {
        if (_cancellation.IsCancellationRequested && _cause is null)
        {
            Raise(new MpiCause(AbortWord.Kind.Requested, _rank, _rank, $"{Operation} was cancelled on this rank"));
            _cancellation.ThrowIfCancellationRequested();
        }

        MpiCause? found = null;
        lock (MpiRuntime.Lock)
        {
            ReadControl();
            if (_cause is null)
            {
                int missing = condition.Missing(this, out bool left);
                if (left || now >= _deadline)
                    found = new MpiCause(left ? AbortWord.Kind.Left : AbortWord.Kind.Silent, missing, _rank, "");
            }
        }

        // A rank that was stopped itself finds the deadline passed, and the peers' verdict waiting.
        for (int look = 0; found is { Kind: AbortWord.Kind.Silent } && look < LastWordLooks && _cause is null; look++)
        {
            Thread.Yield();
            if (IsMet(ref condition))
                return;
            lock (MpiRuntime.Lock)
                ReadControl();
        }

        // What was missing may have come while this rank looked, or before the abort did; then the call can go on, or say more.
        if ((found is null && _cause is null) || IsMet(ref condition))
            return;
        if (found is not null)
            Raise(found);
        throw CreateFault(_cause!);
    }

    /// <summary>All requests of a phase. The receives come first, one for each rank.</summary>
    private readonly struct AllComplete(MpiRequests requests) : ICondition
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool IsMet(MpiHostCommunicator self) => requests.TestAll();

        public int Missing(MpiHostCommunicator self, out bool left)
        {
            int missing = -1;
            for (int i = 0; i < 2 * self._members.Length; i++)
            {
                int peer = i % self._members.Length;
                if (!requests.IsActive(i) || requests.Test(i))
                    continue;
                left = self._control.Left(peer) && self._control.LastCall(peer) < self._sequence;
                if (left)
                    return peer;
                if (missing < 0)
                    missing = peer;
            }

            left = false;
            return Math.Max(missing, 0);
        }
    }
}
