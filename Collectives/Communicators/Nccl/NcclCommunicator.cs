using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Device memory by NCCL: one communicator, blocking in NCCL's sense, because a non-blocking one starts a thread a call (63 µs against 10, 2 H100s, NCCL 2.28.9,
/// bench/results/nccl-blocking.json). What would block without a bound is bounded from outside: initialisation runs on a thread of its own with a deadline, calls are watched by <see cref="DeviceGuard"/>, which ends them
/// by aborting the communicator.
/// </summary>
public sealed unsafe partial class NcclCommunicator : IDeviceCommunicator, IGuardedCommunicator
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly NcclSetup _setup;
    private readonly Lock _lifeLock = new();
    private readonly PointerCheck _pointers;
    private readonly SymmetricWindows _windows;
    private nint _communicator;
    private CollectiveException? _fault;
    private HostCall _call;

    /// <summary>What is no collective, in place of <see cref="_call"/>; else "".</summary>
    private string _what = "";

    /// <summary>Counts the collectives and messages.</summary>
    private long _sequence;

    /// <summary>Counts everything that enters NCCL.</summary>
    private long _entries;
    private int _calling;
    private CUstreamCaptureMode _captureMode;

    private NcclCommunicator(NcclSetup setup, nint communicator, int rank, int count)
    {
        (_setup, _communicator, Rank, WorldSize) = (setup, communicator, rank, count);
        _pointers = new PointerCheck(setup.Device);
        _windows = new SymmetricWindows(Name);
        DeviceGuard.Watch(this);
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

    (string Operation, long Sequence) IGuardedCommunicator.LastCall => (CallText, _sequence);

    /// <summary>Nothing on the device keeps a deadline of its own.</summary>
    TimeSpan IGuardedCommunicator.Grace => TimeSpan.Zero;

    private string CallText => _what.Length == 0 ? _call.ToString() : _what;

    /// <summary>For cleaning up, which can wait for graphs, other ranks of the process or a dead network.</summary>
    private TimeSpan Patience => _setup.Timeout < s_patience ? _setup.Timeout : s_patience;

    /// <summary>
    /// Leaves; returns when NCCL has cleaned up, after 10 s or the group's device timeout at the latest (then a warning says what was left). Work that is enqueued must be done: synchronise the streams first. Graphs
    /// that captured calls of this communicator must be gone: NCCL waits for them. A call or a batch that is under way is ended by an abort of the group.
    /// </summary>
    public void Dispose()
    {
        if (Volatile.Read(ref _calling) != 0 || Volatile.Read(ref _batches) != 0)
            Fail(new GroupAbortedException($"Group {_setup.Group}: disposed while {CallText} was being enqueued.", _setup.Group, CallText, _sequence, Rank));
        nint communicator = TakeAway();
        if (communicator != 0)
            StartEnd("ncclCommDestroy", () => Destroy(communicator));
        AwaitEnd();
    }

    /// <summary>The entry of every call: not on a faulted or disposed communicator, not beside another one. Returns the handle.</summary>
    private nint Enter(HostCall call, out CudaContextScope scope)
    {
        nint communicator = Enter(call, "", out scope);
        _sequence++;
        return communicator;
    }

    /// <summary>As the other, for what is no collective.</summary>
    private nint Enter(string what, out CudaContextScope scope) => Enter(default, what, out scope);

    private nint Enter(HostCall call, string what, out CudaContextScope scope)
    {
        scope = Device.MakeCurrent();
        if (Interlocked.CompareExchange(ref _calling, 1, 0) != 0)
        {
            scope.Dispose();
            throw new InvalidOperationException($"{(what.Length == 0 ? call.ToString() : what)} on group {_setup.Group} while {CallText} of another thread is being enqueued. Calls of one group are ordered; use a sibling group for concurrent ones.");
        }

        // In this order, and the other way round where the communicator is taken away: one of the two sees the other.
        nint communicator = Volatile.Read(ref _communicator);
        CollectiveException? fault = Fault;
        if (fault is null && Environment.TickCount64 is var now && now != _lookedAt)
        {
            // It takes longer than the rest of an entry: calls that follow each other at once leave it to the guard.
            _lookedAt = now;
            fault = _setup.Host is ISegmentOwner ? FaultOfHost() : null;
        }

        if (communicator == 0 || fault is not null)
        {
            // A fault is there a moment before the communicator is taken away, and the host's a moment before the guard looks.
            Volatile.Write(ref _calling, 0);
            scope.Dispose();
            if (fault is not null)
                Fail(fault);
            throw Fault ?? (Exception)new ObjectDisposedException(GetType().FullName);
        }

        (_call, _what) = (call, what);
        _entries++;
        // The first call of its kind connects ranks, which a capture in the thread's own mode refuses (cuCtxEnablePeerAccess among threads: error 900); NCCL records nothing of that.
        _captureMode = CaptureMode.Relax();
        if (t_depth != 0)
            Collect();
        return communicator;
    }

    /// <summary>The exit of every call.</summary>
    private void Leave(ncclResult_t result, nint communicator, CudaContextScope scope)
    {
        CaptureMode.Exchange(_captureMode);
        Volatile.Write(ref _calling, 0);
        scope.Dispose();

        // A call that an abort ends may report success: what it enqueued is never done.
        if (result != ncclResult_t.ncclSuccess || Fault is not null)
            throw Failed(result, communicator);
    }

    /// <summary>What goes wrong in a call; a communicator that NCCL has found faulty stays so, one that refused arguments does not.</summary>
    private CollectiveException Failed(ncclResult_t result, nint communicator)
    {
        if (Fault is { } fault)
            return fault;
        NcclException refused = new($"Group {_setup.Group}, device call {_sequence}: {CallText} on {Name}: {NcclLibrary.Describe(result, communicator)}", _setup.Group, CallText, _sequence, result);
        if (result is not (ncclResult_t.ncclInvalidArgument or ncclResult_t.ncclInvalidUsage))
            Fail(refused);
        return refused;
    }
}
