using System.Diagnostics;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

public sealed unsafe partial class NcclCommunicator
{
    private long _seenSequence = -1;
    private long _seenSince;

    /// <summary>Ends what this rank has enqueued; its peers do the same when they learn of it, through the group's host memory.</summary>
    public void Abort(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Fail(FaultOfHost() ?? new GroupAbortedException($"Group {_setup.Group}: aborted: {reason}", _setup.Group, _call.ToString(), _sequence, Rank));
    }

    /// <summary>The guard's look, some fifty times a second.</summary>
    internal void Look(bool thorough)
    {
        if (Volatile.Read(ref _communicator) == 0)
            return;
        if (FaultOfHost() is { } fault)
        {
            Fail(fault);
            return;
        }

        long sequence = Volatile.Read(ref _sequence);
        if (Volatile.Read(ref _calling) == 0 || sequence != _seenSequence)
        {
            (_seenSequence, _seenSince) = (sequence, Stopwatch.GetTimestamp());
            if (thorough && Volatile.Read(ref _calling) == 0)
                LookForErrors();
        }
        else if (Stopwatch.GetElapsedTime(_seenSince) > _setup.Timeout)
            Fail(new DeviceTimeoutException($"Group {_setup.Group}, device call {sequence}: {_call} has waited in NCCL for {_setup.Timeout.TotalSeconds:0.###} s: a rank has not made the same call.", _setup.Group, _call.ToString(), sequence));
    }

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
    private void Fail(CollectiveException fault)
    {
        if (Interlocked.CompareExchange(ref _fault, fault, null) is not null)
            return;
        nint communicator = TakeAway();
        if (communicator == 0)
            return;
        _setup.Logger.LogWarning("Group {Group}: {Fault}", _setup.Group, fault.Message);
        try
        {
            // Not heard where the host has a fault already.
            _setup.Host?.Abort(fault.Message);
        }
        catch (ObjectDisposedException)
        {
            // The group is being left.
        }

        // Not awaited: other ranks of this process and live graphs can hold it up, and the device is free as soon as it begins.
        CudaDevice device = Device;
        new Thread(() => AbortNative(device, communicator)) { IsBackground = true, Name = "CollectivesSharp NCCL abort" }.Start();
    }

    /// <summary>A call that is blocked inside NCCL first gets a chance to leave: the abort frees what it stands on.</summary>
    private void AbortNative(CudaDevice device, nint communicator)
    {
        using CudaContextScope scope = device.MakeCurrent();
        if (!SpinWait.SpinUntil(() => Volatile.Read(ref _calling) == 0, TimeSpan.FromMilliseconds(100)) && NcclFeatures.Has(nameof(NcclNative.ncclCommRevoke)))
        {
            _ = NcclNative.ncclCommRevoke(communicator, 0);
            SpinWait.SpinUntil(() => Volatile.Read(ref _calling) == 0, TimeSpan.FromSeconds(2));
        }

        ncclResult_t result = NcclNative.ncclCommAbort(communicator);
        if (result != ncclResult_t.ncclSuccess)
            _setup.Logger.LogWarning("Group {Group}: ncclCommAbort: {Result}", _setup.Group, NcclLibrary.Describe(result));
        _setup.Release();
    }

    /// <summary>The handle, for the one who ends it; 0 for everybody else. No call begins from here on.</summary>
    private nint TakeAway()
    {
        NcclGuard.Forget(this);
        lock (_lifeLock)
            return Interlocked.Exchange(ref _communicator, 0);
    }

    private void LookForErrors()
    {
        ncclResult_t error = ncclResult_t.ncclSuccess, result;
        lock (_lifeLock)
        {
            if (_communicator == 0)
                return;
            result = NcclNative.ncclCommGetAsyncError(_communicator, &error);
        }

        error = First(result, error);
        if (error is not (ncclResult_t.ncclSuccess or ncclResult_t.ncclInProgress))
            Fail(new NcclException($"Group {_setup.Group}, after device call {_sequence} ({_call}): an error that NCCL met asynchronously: {NcclLibrary.Describe(error)}", _setup.Group, _call.ToString(), _sequence, error));
    }
}
