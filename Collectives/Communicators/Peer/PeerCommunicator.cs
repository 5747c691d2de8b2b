using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>
/// Collectives by our own kernels over peer memory, for 2 to 8 ranks of one node, which may share a GPU: every type and operation, any length, any alignment of elements, in place or not. Reductions go in rank order: the
/// same bits on every rank, in every run, and as on the host. What knows no other rank's lengths (<see cref="AllToAllV"/>), messages and registration throw <see cref="NotSupportedException"/>.
/// </summary>
/// <remarks>
/// A call is one kernel, but for long all-reduces by copy engines. Calls are ordered on the device also when they come on different streams, see <see cref="StreamOrder"/>; graphs that may run beside other calls of the group want a sibling group.
/// </remarks>
public sealed unsafe partial class PeerCommunicator : IDeviceCommunicator, IGuardedCommunicator
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly PeerSetup _setup;
    private readonly PeerSlice _slice;
    private readonly PeerExchange _exchange;
    private readonly PeerHostWords _words;
    private readonly PointerCheck _pointers;
    private readonly StreamOrder _order;
    private readonly PeerKernelTable _kernels;
    private readonly DeviceShare _share;

    /// <summary>Of calls that name no route.</summary>
    private readonly AllReduceFacts _facts;
    private PeerView _view;
    private HostCall _call;
    private long _sequence;
    private int _calling;

    /// <summary>Takes over the slice and the exchange unless it throws. Local to this rank; may wait for the device. <paramref name="patience"/>: of kernels until <see cref="Begin"/>.</summary>
    internal PeerCommunicator(PeerSetup setup, PeerSlice slice, PeerExchange exchange, TimeSpan patience)
    {
        (_setup, _slice, _exchange) = (setup, slice, exchange);
        _pointers = new PointerCheck(setup.Device);
        _kernels = new PeerKernelTable(setup.Device, setup.Members.Length);
        _order = new StreamOrder(setup.Device);
        _facts = new AllReduceFacts(setup.Members.Length, "This communicator has none.", null, HalfBytes, null) { Hardware = setup.Hardware };
        using CudaContextScope scope = setup.Device.MakeCurrent();
        _words = PeerHostWords.Make(setup.Host as ISegmentOwner);
        _view = new PeerView
        {
            Abort = _words.DeviceAbort,
            Fault = _words.DeviceFault,
            Patience = (ulong)patience.TotalNanoseconds,
            HalfBytes = HalfBytes,
            Rank = (uint)setup.Rank,
        };
        for (int rank = 0; rank < setup.Members.Length; rank++)
            _view.Slices[rank] = (ulong)slice.Address(rank);
        _share = new DeviceShare(setup.Device.Ordinal, setup.Device.MultiprocessorCount);
    }

    public string Name => "peer memory";

    public CudaDevice Device => _setup.Device;

    /// <summary>Of peer memory, for one call: both halves and the control words lie in a slice.</summary>
    internal nuint HalfBytes => (_slice.Bytes - PeerView.ControlBytes) / 2 / PeerLaunch.CellBytes * PeerLaunch.CellBytes;

    (string Operation, long Sequence) IGuardedCommunicator.LastCall => (_call.ToString(), _sequence);

    /// <summary>A kernel looks at its clock at every 65,536th poll in the end.</summary>
    TimeSpan IGuardedCommunicator.Grace => TimeSpan.FromSeconds(2);

    /// <summary>Agreed when the group was made.</summary>
    internal PeerHardware Hardware => _setup.Hardware;

    /// <summary>Whether a call may start before the one in front of it has ended, as far as the device is concerned.</summary>
    internal bool IsDependent => _setup.Dependent;

    /// <summary>Whether this launch of the group may; asked once of each.</summary>
    internal bool StartsEarly(PeerLaunch shape) => _share.Take(shape.Blocks, shape.Threads) && _setup.Dependent;

    private int WorldSize => _setup.Members.Length;

    /// <summary>
    /// Collective: loads the kernels of these types and operations, so that calls may be captured and none waits for its peers on the host. It waits for every rank before and after, because loading may wait
    /// for the device, where kernels wait for calls of other ranks. Sums of float32, float16 and bfloat16 are prepared from the start.
    /// </summary>
    public void Prepare(ReadOnlySpan<DataType> types, ReadOnlySpan<ReduceOp> ops)
    {
        Enter(_call);
        try
        {
            PrepareInside(types, ops);
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }

    /// <summary>Of the formation, before every rank calls <see cref="LoadFirst"/>: this rank's part of the compilation.</summary>
    internal void CompileFirst(IReadOnlyList<DataType> types)
    {
        _kernels.Compile([.. types.Select(type => (type, ReduceOp.Sum))], _setup.Rank, WorldSize);
        if (_setup.Rank == 0)
            CompileExchange();
        if (_setup.Rank == 1)
            CompileBarrier();
    }

    /// <summary>Before the first call, while no kernel of the group runs: the caller sees to it that every rank has loaded them. Throws what loading throws.</summary>
    internal void LoadFirst(IReadOnlyList<DataType> types)
    {
        LoadExchange();
        LoadBarrier();
        foreach (DataType type in types)
        {
            _kernels.Load(type, ReduceOp.Sum);
            _kernels.Allow(type, ReduceOp.Sum);
        }
    }

    /// <summary>The formation is over: the stream of its test is gone, its calls do not count, and what goes wrong from now on ends the group.</summary>
    internal void Begin()
    {
        _order.Forget();
        _hasBegun = true;
        _view.Patience = (ulong)_setup.Patience.TotalNanoseconds;
        (_call, _sequence) = (default, 0);
        DeviceGuard.Watch(this);
    }

    /// <summary>Apart from the try block, where the JIT would make stubs of native calls, which allocate.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Launch<TArguments>(CudaKernel kernel, PeerLaunch shape, nint stream, in TArguments arguments, int sharedBytes = 0)
        where TArguments : unmanaged
    {
        CudaContextScope scope = Device.MakeCurrent();
        _order.Enter(stream);
        kernel.Launch(shape.Blocks, shape.Threads, stream, in arguments, sharedBytes, StartsEarly(shape), shape.ClusterBlocks);
        _order.Leave(stream);
        scope.Dispose();
    }

    /// <summary>Before a call of the group that is none of our kernels: it follows the last one, and the next one follows it.</summary>
    internal void BeginOrdered(nint stream)
    {
        if (_order.IsCurrent(stream))
            return;
        if (Fault is { } fault)
            throw fault;
        _pointers.CheckStream(stream);
        Order(stream);
    }

    /// <summary>Behind such a call, or one of ours.</summary>
    internal void EndOrdered(nint stream)
    {
        if (_order.RecordsBehind(stream))
            Record(stream);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Order(nint stream)
    {
        CudaContextScope scope = Device.MakeCurrent();
        _order.Enter(stream);
        scope.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Record(nint stream)
    {
        CudaContextScope scope = Device.MakeCurrent();
        _order.Leave(stream);
        scope.Dispose();
    }

    private void Enter(HostCall call)
    {
        if (Fault is { } fault)
            throw fault;
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (Interlocked.CompareExchange(ref _calling, 1, 0) != 0)
            throw new InvalidOperationException($"{call} on group {_setup.Group} while {_call} of another thread is being enqueued. Calls of one group are ordered; use a sibling group for concurrent ones.");
    }

    private PeerKernelSet PrepareNow(DataType type, ReduceOp op, nint stream)
    {
        using (Device.MakeCurrent())
        {
            if (GraphCapture.IsCapturing(stream))
                throw new InvalidOperationException($"A reduction of {type} by {op} is being captured, and its kernels are not loaded, which a capture does not allow: call {nameof(GroupCoordinator)}.{nameof(GroupCoordinator.Prepare)}([{nameof(DataType)}.{type}], [{nameof(ReduceOp)}.{op}]) on every rank before.");
        }

        _setup.Logger.LogDebug("Group {Group}: the kernels of {Type}, {Op} are loaded at their first use, which waits for all ranks", _setup.Group, type, op);
        PrepareInside([type], [op]);
        return _kernels.Find(type, op)!;
    }

    private void PrepareInside(ReadOnlySpan<DataType> types, ReadOnlySpan<ReduceOp> ops)
    {
        List<(DataType Type, ReduceOp Op)> wanted = [];
        foreach (DataType type in types)
        {
            foreach (ReduceOp op in ops)
            {
                if (_kernels.Find(type, op) is null && !wanted.Contains((type, op)))
                    wanted.Add((type, op));
            }
        }

        if (wanted.Count == 0)
            return;

        Exception? failure = null;
        try
        {
            _kernels.Compile(wanted, _setup.Rank, WorldSize);
        }
        catch (Exception e) when (e is KernelCompilationException or NativeLibraryNotFoundException)
        {
            failure = e;
        }

        // Behind it every rank has enqueued whatever a kernel of the group waits for: loading waits for nothing but the device.
        _setup.Host.Barrier();
        try
        {
            if (failure is null)
                wanted.ForEach(item => _kernels.Load(item.Type, item.Op));
        }
        catch (Exception e) when (e is CudaException or KernelCompilationException or NativeLibraryNotFoundException)
        {
            failure = e;
        }

        // No rank goes on, and lets its kernels wait, before the last one has loaded.
        int failed = failure is null ? 0 : 1, anyFailed;
        _setup.Host.AllReduce((nint)(&failed), (nint)(&anyFailed), 1, DataType.Int32, ReduceOp.Max);
        if (anyFailed != 0)
            throw new NotSupportedException($"Group {_setup.Group}: the kernels of {string.Join(", ", wanted.Select(item => $"{item.Type} by {item.Op}"))} can't be loaded{(failure is null ? " on another rank" : $": {failure.Message}")}", failure);
        wanted.ForEach(item => _kernels.Allow(item.Type, item.Op));
    }
}
