using System.Diagnostics;
using System.Runtime.CompilerServices;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

public sealed unsafe partial class NcclCommunicator
{
    private long _seenEntries = -1;
    private long _seenSince;

    /// <summary>When a call has looked at the host's fault, in milliseconds.</summary>
    private long _lookedAt;

    /// <summary>Ends what this rank has enqueued; its peers do the same when they learn of it, through the group's host memory.</summary>
    public void Abort(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Fail(FaultOfHost() ?? new GroupAbortedException($"Group {_setup.Group}: aborted: {reason}", _setup.Group, CallText, _sequence, Rank));
    }

    /// <summary>The guard's look, some fifty times a second.</summary>
    void IGuardedCommunicator.Look(bool thorough)
    {
        if (Volatile.Read(ref _communicator) == 0)
            return;
        if (FaultOfHost() is { } fault)
        {
            Fail(fault);
            return;
        }

        long entries = Volatile.Read(ref _entries);
        if (Volatile.Read(ref _calling) == 0 || entries != _seenEntries)
        {
            (_seenEntries, _seenSince) = (entries, Stopwatch.GetTimestamp());
            if (thorough)
                LookForErrors();
        }
        else if (Stopwatch.GetElapsedTime(_seenSince) > _setup.Timeout)
            Fail(new DeviceTimeoutException($"Group {_setup.Group}, device call {_sequence}: {CallText} has waited in NCCL for {_setup.Timeout.TotalSeconds:0.###} s: a rank has not made the same call.", _setup.Group, CallText, _sequence));
    }

    /// <summary>What NCCL has met since the last call, if anything: then the group is faulted. Not beside a call, which tells itself.</summary>
    void IGuardedCommunicator.LookForErrors() => LookForErrors();

    private void LookForErrors()
    {
        if (Volatile.Read(ref _calling) != 0)
            return;
        ncclResult_t error = ncclResult_t.ncclSuccess, result;
        lock (_lifeLock)
        {
            if (_communicator == 0)
                return;
            result = AsyncError(_communicator, &error);
        }

        error = First(result, error);
        if (error is not (ncclResult_t.ncclSuccess or ncclResult_t.ncclInProgress))
            Fail(new NcclException($"Group {_setup.Group}, after device call {_sequence} ({CallText}): an error that NCCL met asynchronously: {NcclLibrary.Describe(error)}", _setup.Group, CallText, _sequence, error));
    }

    /// <summary>Apart from try blocks, which a lock is: the JIT makes a stub of a native call there, and that allocates.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ncclResult_t AsyncError(nint communicator, ncclResult_t* error) => NcclNative.ncclCommGetAsyncError(communicator, error);

    /// <summary>Ends a communicator of which the group makes no use; the group's host memory lives on.</summary>
    internal void Discard() => Fail(new GroupAbortedException($"Group {_setup.Group}: not every rank could make its communicator", _setup.Group, "", 0, Rank), tellPeers: false);

    /// <summary>The guard may look once more while the group is being disposed.</summary>
    private CollectiveException? FaultOfHost()
    {
        try
        {
            return _setup.Host?.Fault;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>The first fault stays. The peers learn of it, and what NCCL has on the device is ended.</summary>
    private void Fail(CollectiveException fault, bool tellPeers = true)
    {
        if (Interlocked.CompareExchange(ref _fault, fault, null) is not null)
            return;
        nint communicator = TakeAway();
        if (communicator == 0)
            return;
        try
        {
            // Not heard where the host has a fault already.
            if (tellPeers)
                _setup.Host?.Abort(fault.Message);
        }
        catch (ObjectDisposedException)
        {
            // The group is being left.
        }

        StartAbort(communicator);
        _setup.Logger.LogWarning("Group {Group}: {Fault}", _setup.Group, fault.Message);
    }

    /// <summary>The handle, for the one who ends it; 0 for everybody else. No call begins from here on.</summary>
    private nint TakeAway()
    {
        DeviceGuard.Forget(this);
        lock (_lifeLock)
            return Interlocked.Exchange(ref _communicator, 0);
    }
}
