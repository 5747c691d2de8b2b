using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>
/// Device memory by NCCL: one communicator, blocking in NCCL's sense, because a non-blocking one starts a thread a call (63 µs against 10, 2 H100s, NCCL 2.28.9,
/// bench/results/nccl-blocking.json). What would block without a bound is bounded from outside: initialisation runs on a thread of its own with a deadline, calls are watched by <see cref="NcclGuard"/>, which ends them
/// by aborting the communicator.
/// </summary>
public sealed unsafe partial class NcclCommunicator : IDeviceCommunicator
{
    private readonly NcclSetup _setup;
    private readonly Lock _lifeLock = new();
    private readonly PointerCheck _pointers;
    private nint _communicator;
    private CollectiveException? _fault;
    private HostCall _call;
    private long _sequence;
    private int _calling;
    private CUstreamCaptureMode _captureMode;

    private NcclCommunicator(NcclSetup setup, nint communicator, int rank, int count)
    {
        (_setup, _communicator, Rank, WorldSize) = (setup, communicator, rank, count);
        _pointers = new PointerCheck(setup.Device);
        NcclGuard.Watch(this);
    }

    public string Name => $"NCCL {NcclFeatures.VersionText(_setup.Version)}";

    public CudaDevice Device => _setup.Device;

    /// <summary>This rank in the communicator.</summary>
    public int Rank { get; }

    public int WorldSize { get; }

    /// <summary>ncclGetVersion's code: 22809 is 2.28.9.</summary>
    public int Version => _setup.Version;

    public CollectiveException? Fault => Volatile.Read(ref _fault);

    /// <summary>ncclComm_t, for calls that this class lacks; it stays this object's. Throws <see cref="ObjectDisposedException"/> after Dispose.</summary>
    public nint Handle
    {
        get
        {
            nint communicator = Volatile.Read(ref _communicator);
            ObjectDisposedException.ThrowIf(communicator == 0 && Fault is null, this);
            return communicator != 0 ? communicator : throw Fault!;
        }
    }

    internal (string Operation, long Sequence) LastCall => (_call.ToString(), _sequence);

    /// <summary>
    /// Leaves; returns when NCCL has cleaned up, after 10 s at the latest (then a warning says what was left). Work that is enqueued must be done: synchronise the streams first. Graphs that captured calls of
    /// this communicator must be gone: NCCL waits for them.
    /// </summary>
    public void Dispose()
    {
        if (Volatile.Read(ref _calling) != 0)
            Fail(new GroupAbortedException($"Group {_setup.Group}: disposed while {_call} was being enqueued.", _setup.Group, _call.ToString(), _sequence, Rank));
        nint communicator = TakeAway();
        if (communicator != 0)
            RunBounded("ncclCommDestroy", () => NcclNative.ncclCommDestroy(communicator));
    }

    /// <summary>The entry of every call: not on a faulted or disposed communicator, not beside another one. Returns the handle.</summary>
    private nint Enter(HostCall call, out CudaContextScope scope)
    {
        scope = Device.MakeCurrent();
        if (Interlocked.CompareExchange(ref _calling, 1, 0) != 0)
        {
            scope.Dispose();
            throw new InvalidOperationException($"{call} on group {_setup.Group} while {_call} of another thread is being enqueued. Calls of one group are ordered; use a sibling group for concurrent ones.");
        }

        // In this order, and the other way round where the communicator is taken away: one of the two sees the other.
        nint communicator = Volatile.Read(ref _communicator);
        if (communicator == 0)
        {
            Volatile.Write(ref _calling, 0);
            scope.Dispose();
            throw Fault ?? (Exception)new ObjectDisposedException(GetType().FullName);
        }

        _call = call;
        _sequence++;
        _captureMode = Relax(CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED);
        if (t_depth != 0 && !t_collected!.Contains(this))
            t_collected.Add(this);
        return communicator;
    }

    /// <summary>The exit of every call.</summary>
    private void Leave(ncclResult_t result, nint communicator, CudaContextScope scope)
    {
        Relax(_captureMode);
        Volatile.Write(ref _calling, 0);
        scope.Dispose();
        if (result != ncclResult_t.ncclSuccess)
            throw Failed(result, communicator);
    }

    /// <summary>
    /// The first call of its kind connects ranks, which a capture in the thread's own mode refuses (cuCtxEnablePeerAccess among threads: error 900); NCCL records nothing of that. Returns the mode before.
    /// </summary>
    private static CUstreamCaptureMode Relax(CUstreamCaptureMode mode)
    {
        _ = CudaDriverNative.cuThreadExchangeStreamCaptureMode(&mode);
        return mode;
    }

    /// <summary>What goes wrong in a call; a communicator that NCCL has found faulty stays so, one that refused arguments does not.</summary>
    private CollectiveException Failed(ncclResult_t result, nint communicator)
    {
        if (Fault is { } fault)
            return fault;
        NcclException refused = new($"Group {_setup.Group}, device call {_sequence}: {_call} on {Name}: {NcclLibrary.Describe(result, communicator)}", _setup.Group, _call.ToString(), _sequence, result);
        if (result is not (ncclResult_t.ncclInvalidArgument or ncclResult_t.ncclInvalidUsage))
            Fail(refused);
        return refused;
    }

    /// <summary>Cleaning up can wait for graphs, other ranks of the process or a dead network: never longer than this.</summary>
    private void RunBounded(string call, Func<ncclResult_t> work)
    {
        CudaDevice device = Device;
        ILogger logger = _setup.Logger;
        ncclResult_t result = ncclResult_t.ncclInProgress;
        Thread thread = new(() =>
        {
            using CudaContextScope scope = device.MakeCurrent();
            result = work();
            _setup.Release();
        })
        { IsBackground = true, Name = $"CollectivesSharp {call}" };
        thread.Start();
        if (!thread.Join(TimeSpan.FromSeconds(10)))
            logger.LogWarning("Group {Group}: {Call} has not returned after 10 s and is left alone. Graphs that captured this group's calls and were not disposed keep it waiting.", _setup.Group, call);
        else if (result != ncclResult_t.ncclSuccess)
            logger.LogWarning("Group {Group}: {Call}: {Result}", _setup.Group, call, NcclLibrary.Describe(result));
    }
}
