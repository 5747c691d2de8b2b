using System.Numerics;
using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

public sealed unsafe partial class PeerCommunicator
{
    private readonly Lock _lifeLock = new();
    private CollectiveException? _fault;
    private int _disposed;
    private bool _hasBegun;
    private volatile bool _staysMapped;

    /// <summary>Two reads of host memory where there is none: the kernels' record and the abort word.</summary>
    public CollectiveException? Fault => Volatile.Read(ref _fault) ?? (_disposed == 0 && (Volatile.Read(ref _words.Fault->Reason) != 0 || Volatile.Read(ref *_words.Abort) != 0) ? Find() : null);

    /// <summary>Kernels of this rank that wait leave at their next look, those of its peers as they learn of it by the group's host memory.</summary>
    public void Abort(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Fail(FaultOfHost() ?? new GroupAbortedException($"Group {_setup.Group}: aborted: {reason}", _setup.Group, _call.ToString(), _sequence, _setup.Members[_setup.Rank].Rank));
    }

    /// <summary>
    /// Leaves; waits for nobody but this rank's stream that had the group's last call, NCCL's too, 5 s at most. Synchronise before: a call that still runs is ended by an abort of the group. Graphs that captured calls must be gone. Peer memory
    /// is used again once every rank has left.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        DeviceGuard.Forget(this);
        using CudaContextScope scope = Device.MakeCurrent();
        bool isDrained = IsDrained(TimeSpan.Zero);
        if (!isDrained)
        {
            Abort("disposed while its calls run");
            isDrained = IsDrained(s_patience);
        }

        // From here on the memory is nobody's until all ranks have closed theirs, so that nobody needs to wait for them.
        _slice.Quarantine();
        QuarantineRegistered();
        if (isDrained)
        {
            lock (_lifeLock)
                _words.Release();
            CloseRegistered();
            _slice.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        else
        {
            _staysMapped = true;
            _setup.Logger.LogWarning("Group {Group}: a kernel has not ended {Seconds} s after the group was disposed; its peer memory and host words stay mapped.", _setup.Group, s_patience.TotalSeconds);
        }

        DisposeLane();
        _order.Dispose();
        _share.Release();
        _exchange.Dispose();
    }

    void IGuardedCommunicator.Look(bool thorough)
    {
        lock (_lifeLock)
        {
            if (_disposed == 0)
                _ = Fault ?? (FaultOfHost() is { } fault ? Fail(fault) : null);
        }
    }

    void IGuardedCommunicator.LookForErrors() => _ = Fault;

    /// <summary>The stream's work is over; the next call on another stream has nothing to wait for.</summary>
    internal void HasDrained(nint stream) => _order.HasDrained(stream);

    /// <summary>Nobody waits for the stream any more, which is still there: it may be destroyed from here on.</summary>
    internal void LetGo(nint stream) => _order.LetGo(stream);

    /// <summary>The host's fault comes first, unless this rank's own kernel knows the same: of a process that has ended it knows only the silence.</summary>
    private CollectiveException Find()
    {
        PeerFault record = *_words.Fault;
        if (record.Reason == PeerFault.Disagreed)
        {
            return Fail(new CallMismatchException(
                $"Group {_setup.Group}, kernel {record.Epoch + 1}: {_setup.Members[BitOperations.TrailingZeroCount(record.Missing)]} called {record.Claim}, this rank {record.Own}. All ranks must call the same, at the same place of the same buffer.",
                _setup.Group, _call.ToString(), _sequence));
        }

        CollectiveException? known = FaultOfHost();
        if (known is not null && (record.Reason != PeerFault.TimedOut || known is not PeerLostException { Reason: PeerLossReason.Silent }))
            return Fail(known);
        if (record.Reason != PeerFault.TimedOut)
            return Fail(new GroupAbortedException($"Group {_setup.Group}: aborted while {_call}, device call {_sequence}, was under way", _setup.Group, _call.ToString(), _sequence, _setup.Members[_setup.Rank].Rank));
        int[] missing = [.. Enumerable.Range(0, _setup.Members.Length).Where(rank => (record.Missing >> rank & 1) != 0)];
        GroupMember[] peers = [.. missing.Select(rank => _setup.Members[rank])];
        return Fail(new PeerLostException(
            $"Group {_setup.Group}, kernel {record.Epoch + 1}: {string.Join(", ", (object[])peers)} did not come to it within {_setup.Patience.TotalSeconds:0.###} s. The last call here was {_call}, device call {_sequence}. A rank that did not make the same call, or whose device hangs, is the usual cause.",
            _setup.Group, _call.ToString(), _sequence, peers, PeerLossReason.Silent), missing);
    }

    /// <summary>The first fault stays. The peers learn of it, and kernels that wait end.</summary>
    private CollectiveException Fail(CollectiveException fault, int[]? missing = null)
    {
        if (Interlocked.CompareExchange(ref _fault, fault, null) is { } earlier)
            return earlier;
        _words.SetOwn();
        _slice.Quarantine();
        QuarantineRegistered();
        if (!_hasBegun)
            return fault;
        try
        {
            if (missing is not null && _setup.Host is ISegmentOwner owner)
                owner.RaiseSilent(missing);
            else
                _setup.Host.Abort(fault.Message);
        }
        catch (ObjectDisposedException)
        {
            // The group is being left.
        }

        _setup.Logger.LogWarning("Group {Group}: {Fault}", _setup.Group, fault.Message);
        return fault;
    }

    private CollectiveException? FaultOfHost()
    {
        try
        {
            return OfThisCall(_setup.Host.Fault);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>What the host tells, with the device call that it ended.</summary>
    private CollectiveException? OfThisCall(CollectiveException? fault)
    {
        if (_sequence == 0)
            return fault;
        string text = $"{fault?.Message} The last device call here was {_call}, device call {_sequence}.";
        return fault switch
        {
            PeerLostException lost => new PeerLostException(text, _setup.Group, _call.ToString(), _sequence, lost.Peers, lost.Reason),
            GroupAbortedException aborted => new GroupAbortedException(text, _setup.Group, _call.ToString(), _sequence, aborted.AbortedBy),
            _ => fault,
        };
    }

    /// <summary>Of a registration that is disposed, before or after the communicator.</summary>
    private bool IsDrainedNow()
    {
        using CudaContextScope scope = Device.MakeCurrent();
        return _disposed != 0 ? !_staysMapped : IsDrained(s_patience);
    }

    private bool IsDrained(TimeSpan patience) => _order.IsDrained() || (patience > TimeSpan.Zero && SpinWait.SpinUntil(_order.IsDrained, patience));
}
