using System.Diagnostics;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// The call in flight on one rank's end of a group: one at a time, none on a faulted group, each with a deadline. Waiting loops ask it when to give up.
/// </summary>
internal sealed class CallGate(FaultBoard board, TimeSpan defaultTimeout)
{
    private const int CancellableSliceMilliseconds = 20;
    private const int SliceMilliseconds = 1000;

    private const int Free = 0;
    private const int Calling = 1;
    private const int Looking = 2;

    private TimeSpan _timeout;
    private long _deadline;
    private int _held;
    private volatile bool _closed;

    internal HostCall Call { get; private set; }

    /// <summary>Counts the collectives, the same on every rank.</summary>
    internal long Sequence { get; private set; }

    internal CancellationToken Cancellation { get; private set; }

    internal bool IsClosed => _closed;

    internal void Enter(HostCall call, HostCallOptions options)
    {
        ThrowIfClosed();
        options.CancellationToken.ThrowIfCancellationRequested();
        TimeSpan timeout = options.Timeout ?? defaultTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, GroupOptions.LongestTimeout, nameof(options));

        // Whatever is refused is refused before the call counts: a rank that is a number ahead of its peers could not call anything any more.
        _ = call.Type.SizeInBytes();
        if ((uint)call.Op > (uint)ReduceOp.Average)
            throw new ArgumentOutOfRangeException(nameof(call), call.Op, "No such reduction.");
        if (call.Op == ReduceOp.Average && board.Members.Length > (call.Type switch { DataType.Int8 => sbyte.MaxValue, DataType.UInt8 => byte.MaxValue, _ => int.MaxValue }))
            throw new ArgumentOutOfRangeException(nameof(call), call.Op, $"An average of {call.Type} over {board.Members.Length} ranks: the divisor is no {call.Type}.");
        while (Interlocked.CompareExchange(ref _held, Calling, Free) is var held && held != Free)
        {
            if (held == Calling)
                throw new InvalidOperationException($"{call} on group {board.Group} while {Call} of another thread is in flight. Calls of one group are ordered; use a sibling group for concurrent ones.");
            Thread.Yield();
            ThrowIfClosed();
        }

        Call = call;
        if (call.IsCollective)
            Sequence++;
        _timeout = timeout;
        _deadline = 0;
        Cancellation = options.CancellationToken;
        if (board.IsRaised)
        {
            CollectiveException fault = board.CreateFault(board.Word, call, Sequence);
            Leave();
            throw fault;
        }
    }

    internal void Leave()
    {
        Call = default;
        Cancellation = default;
        Volatile.Write(ref _held, Free);
    }

    /// <summary>For what is short and must not run beside a call; a call that comes meanwhile waits for it. Released by <see cref="Leave"/>.</summary>
    internal bool TryHold() => Interlocked.CompareExchange(ref _held, Looking, Free) == Free;

    /// <summary>Ends a call of another thread, which must not lose the memory under it, and keeps later ones out.</summary>
    internal void Close()
    {
        while (!TryHold())
        {
            if (Volatile.Read(ref _held) == Calling)
                board.Raise(AbortWord.Kind.Requested, board.Rank, board.Rank, "disposed while a call was in flight");
            Thread.Yield();
        }

        _closed = true;
    }

    internal void ThrowIfClosed() => ObjectDisposedException.ThrowIf(_closed, typeof(GroupCoordinator));

    /// <summary>Milliseconds that a sleep may last, 0 at the deadline. The clock starts with the first sleep: calls that don't wait need no clock.</summary>
    internal double SliceLeft() => Math.Clamp(MillisecondsLeft(), 0, Cancellation.CanBeCanceled ? CancellableSliceMilliseconds : SliceMilliseconds);

    /// <summary>The same clock, for what waits by itself.</summary>
    internal TimeSpan TimeLeft() => TimeSpan.FromMilliseconds(Math.Max(MillisecondsLeft(), 0));

    private double MillisecondsLeft()
    {
        long now = Stopwatch.GetTimestamp();
        if (_deadline == 0)
            _deadline = now + (long)(_timeout.TotalSeconds * Stopwatch.Frequency);
        return (_deadline - now) * 1e3 / Stopwatch.Frequency;
    }

    /// <summary>If the call's token says so: aborts the group, which can't complete the call without this rank, and throws.</summary>
    internal void ThrowIfCancelled()
    {
        if (!Cancellation.IsCancellationRequested)
            return;
        board.Raise(AbortWord.Kind.Requested, board.Rank, board.Rank, $"{Call} was cancelled on this rank");
        Cancellation.ThrowIfCancellationRequested();
    }

    internal CollectiveException? Look() => board.Look(Call, Sequence);

    internal CollectiveException CreateFault() => board.CreateFault(board.Word, Call, Sequence);
}
