using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>How a communicator is given back to NCCL: by one thread, once, while nobody is inside.</summary>
public sealed unsafe partial class NcclCommunicator
{
    /// <summary>Open batches that hold calls of this communicator; NCCL's group uses it until its end. Changed under <see cref="_lifeLock"/>.</summary>
    private int _batches;

    /// <summary>To be aborted by whoever ends the last of them.</summary>
    private nint _abortAfterBatch;

    /// <summary>The thread that gives it back.</summary>
    private Thread? _end;

    /// <summary>Not awaited: other ranks of this process and live graphs can hold it up, and the device is free as soon as it begins.</summary>
    private void StartAbort(nint communicator) => StartEnd("ncclCommAbort", () => Abort(communicator));

    /// <summary>
    /// A call that is blocked inside NCCL first gets a chance to leave: the abort frees what it stands on. A batch keeps the communicator until it ends, but no work on the device.
    /// </summary>
    private ncclResult_t Abort(nint communicator)
    {
        bool isBlocked = !SpinWait.SpinUntil(() => Volatile.Read(ref _calling) == 0, TimeSpan.FromMilliseconds(100));
        if ((isBlocked || Volatile.Read(ref _batches) != 0) && NcclFeatures.Has(nameof(NcclNative.ncclCommRevoke)))
        {
            _ = NcclNative.ncclCommRevoke(communicator, 0);
            SpinWait.SpinUntil(() => Volatile.Read(ref _calling) == 0, TimeSpan.FromSeconds(2));
        }

        lock (_lifeLock)
        {
            if (_batches != 0 && Volatile.Read(ref _calling) == 0)
            {
                _abortAfterBatch = communicator;
                return ncclResult_t.ncclSuccess;
            }
        }

        ncclResult_t result = NcclNative.ncclCommAbort(communicator);
        _setup.Release();
        return result;
    }

    private ncclResult_t Destroy(nint communicator)
    {
        ncclResult_t result = NcclNative.ncclCommDestroy(communicator);
        _setup.Release();
        return result;
    }

    /// <summary>Marks the communicator as one of this thread's batch.</summary>
    private void Collect()
    {
        if (t_collected!.Contains(this))
            return;
        t_collected.Add(this);
        lock (_lifeLock)
            _batches++;
    }

    private void LeaveBatch()
    {
        nint communicator;
        lock (_lifeLock)
        {
            Volatile.Write(ref _calling, 0);
            communicator = --_batches == 0 ? Interlocked.Exchange(ref _abortAfterBatch, 0) : 0;
        }

        if (communicator != 0)
            StartAbort(communicator);
    }

    private void StartEnd(string call, Func<ncclResult_t> end)
    {
        CudaDevice device = Device;
        ILogger logger = _setup.Logger;
        Thread thread = new(() =>
        {
            // A context that has failed refuses; NCCL must give back what it can nevertheless.
            CudaContextScope scope = default;
            try
            {
                scope = device.MakeCurrent();
            }
            catch (CudaException)
            {
            }

            ncclResult_t result = end();
            scope.Dispose();
            if (result != ncclResult_t.ncclSuccess)
                logger.LogWarning("Group {Group}: {Call}: {Result}", _setup.Group, call, NcclLibrary.Describe(result));
        })
        { IsBackground = true, Name = $"CollectivesSharp {call}" };

        // Together, so that nobody awaits a thread that has not begun.
        lock (_lifeLock)
        {
            thread.Start();
            _end = thread;
        }
    }

    private void AwaitEnd()
    {
        Thread? thread;
        lock (_lifeLock)
            thread = _end;
        if (thread is not null && !thread.Join(Patience))
            _setup.Logger.LogWarning("Group {Group}: NCCL has not given back the communicator within {Seconds} s and is left alone with it. Graphs that captured this group's calls and were not disposed keep it waiting.", _setup.Group, Patience.TotalSeconds);
    }
}
