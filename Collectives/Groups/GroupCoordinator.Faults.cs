using System.Diagnostics;
using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    /// <summary>How long <see cref="Synchronize"/> polls without a pause: most waits of a decode step end within it.</summary>
    private static readonly long s_busyTicks = Stopwatch.Frequency / 5_000;

    /// <summary>True once a rank was lost, the group was aborted, calls did not match or NCCL has failed: it can only be disposed then.</summary>
    public bool IsFaulted => Fault is not null;

    /// <summary>The device's first: it knows the cause that its peers know by hearsay.</summary>
    private CollectiveException? Fault => _device?.Fault ?? _host?.Fault;

    /// <summary>Ends every call in flight on all ranks, on host and device, and every later one, with <see cref="GroupAbortedException"/>.</summary>
    public void Abort(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        _host?.Abort(reason);
        _device?.Abort(reason);
    }

    /// <summary>Throws the group's fault if there is one. A read of memory otherwise.</summary>
    public void ThrowIfFaulted()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (Fault is not { } fault)
            return;

        // Not left to the guard's next look: from here on every call throws, by whichever way; of NCCL and our kernels one may have a fault that the other has not heard of.
        _device?.Abort(fault.Message);
        throw fault;
    }

    /// <summary>
    /// Waits until everything enqueued on the stream so far is done, and throws what has gone wrong with it. Not while the stream is captured.
    /// </summary>
    /// <param name="stream">A CUstream of this rank's device.</param>
    /// <param name="timeout">Null: <see cref="GroupOptions.DeviceTimeout"/>.</param>
    /// <param name="cancellationToken">Ends the wait with <see cref="OperationCanceledException"/>; the work goes on.</param>
    /// <exception cref="DeviceTimeoutException">The deadline has passed: a rank did not make the call that this one waits in, or hangs. The group is aborted.</exception>
    /// <exception cref="CollectiveException">The group's fault, as soon as it is known: the rest of the work is ended and its results are undefined.</exception>
    /// <exception cref="CudaException">A kernel failed; the group is aborted. Or the handle is no stream.</exception>
    public void Synchronize(nint stream, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        CudaDevice device = Device ?? throw new NotSupportedException($"Group {Name}: this rank has no GPU: {DeviceObjection}");
        TimeSpan limit = timeout ?? _options.DeviceTimeout + ((_device as IGuardedCommunicator)?.Grace ?? TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(timeout));
        using CudaContextScope scope = device.MakeCurrent();
        try
        {
            Await(stream, limit, cancellationToken);
        }
        catch
        {
            // Whose stream it is destroys it now, without asking the group.
            (_device as RoutedDeviceCommunicator)?.Peer.LetGo(stream);
            throw;
        }

        (_device as IGuardedCommunicator)?.LookForErrors();
        (_device as RoutedDeviceCommunicator)?.Peer.HasDrained(stream);
        ThrowIfFaulted();
    }

    /// <summary>Not inlined into a try block, which a using is: the stubs that the JIT makes for native calls there allocate, once, in the middle of a run.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Await(nint stream, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (GraphCapture.IsCapturing(stream))
            throw new InvalidOperationException("Synchronize on a stream that is being captured: what it would wait for does not run yet.");
        long start = Stopwatch.GetTimestamp();
        while (CudaDriverNative.cuStreamQuery(stream) is var result && result != CUresult.CUDA_SUCCESS)
        {
            if (result != CUresult.CUDA_ERROR_NOT_READY)
                throw Failed(result);
            ThrowIfFaulted();
            cancellationToken.ThrowIfCancellationRequested();
            long waited = Stopwatch.GetTimestamp() - start;
            if (waited > limit.TotalSeconds * Stopwatch.Frequency)
                throw GiveUp(limit);
            if (waited > 10 * s_busyTicks)
                Thread.Sleep(1);
            else if (waited > s_busyTicks)
                Thread.Yield();
        }
    }

    /// <summary>A context that has failed takes part in nothing any more: the peers must not wait for it.</summary>
    private CudaException Failed(CUresult result)
    {
        string text = $"waiting for a stream: {result} ({(int)result})";
        if (result is CUresult.CUDA_ERROR_ECC_UNCORRECTABLE or CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE or (>= CUresult.CUDA_ERROR_ILLEGAL_ADDRESS and < CUresult.CUDA_ERROR_NOT_PERMITTED))
        {
            text += ", an error of a kernel that ran before; the context is of no use any more";
            Abort($"rank {Rank}: {text}");
        }

        return new CudaException($"Group {Name}: {text}.", result);
    }

    private DeviceTimeoutException GiveUp(TimeSpan limit)
    {
        (string operation, long sequence) = _device is IGuardedCommunicator guarded ? guarded.LastCall : ("", 0);
        string text = $"work on the device was not done within {limit.TotalSeconds:0.###} s; the last call was {(operation.Length == 0 ? "none of this group" : $"{operation}, device call {sequence}")}";
        Abort($"rank {Rank}: {text}");
        return new DeviceTimeoutException($"Group {Name}: {text}. A rank that did not make the same call, or whose device hangs, is the usual cause.", Name, operation, sequence);
    }

    private IDeviceCommunicator OnDevice(string call)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _device ?? throw NoDevice(call);
    }

    private NotSupportedException NoDevice(string call) => new($"{call} on device memory: group {Name} moves host memory only. {DeviceObjection}");
}
