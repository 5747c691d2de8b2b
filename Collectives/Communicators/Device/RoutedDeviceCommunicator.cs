using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// NCCL and our kernels over peer memory as one: an all-reduce takes the route that <see cref="AllReduceRouter"/> picks, other collectives go by our kernels while their parts are short. What neither can throws <see cref="NotSupportedException"/> that names
/// both reasons. Both enqueue on the caller's stream, and calls on different streams follow each other
/// whatever their routes: those of NCCL take part in the order of our kernels.
/// </summary>
public sealed class RoutedDeviceCommunicator : IDeviceCommunicator, IGuardedCommunicator
{
    /// <summary>Of bytes that leave a rank in what only copies, up to which our kernels are ahead of NCCL (2 H100s: bench/results/peer-kernels.json).</summary>
    private const nuint MostTraffic = 256 << 10;

    private readonly PeerCommunicator _peer;
    private IGuardedCommunicator _last;

    /// <summary>Batches that are open, one in the other, and the stream of NCCL's last call in them; null: none.</summary>
    private int _batches;
    private nint? _batched;

    /// <summary>Takes over both.</summary>
    internal RoutedDeviceCommunicator(AllReduceFacts facts, NcclCommunicator? nccl, PeerCommunicator peer)
    {
        (Facts, Nccl, _peer, _last) = (facts, nccl, peer, peer);
    }

    public string Name => Nccl is null ? _peer.Name : $"{_peer.Name} and {Nccl.Name}";

    /// <summary>Null: the members could not have it.</summary>
    public NcclCommunicator? Nccl { get; }

    public PeerCommunicator Peer => _peer;

    public CudaDevice Device => _peer.Device;

    public CollectiveException? Fault => _peer.Fault ?? Nccl?.Fault;

    (string Operation, long Sequence) IGuardedCommunicator.LastCall => _last.LastCall;

    TimeSpan IGuardedCommunicator.Grace => ((IGuardedCommunicator)_peer).Grace;

    public void AllReduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        AllReduceRequest request = Locate(new(count, type, op), input, output);

        // Asked of the driver only where the answer makes a difference.
        if (Facts.Tuning is { } tuning && tuning.DependsOnCapture(request))
            request = request with { IsCaptured = IsCaptured(stream) };
        AllReduceChoice choice = AllReduceRouter.Route(request, Facts);
        if (choice.Route == AllReduceRoute.None)
            throw new NotSupportedException($"{request}: {choice.Reason}");
        Launch(choice.Route, input, output, count, type, op, stream);
    }

    /// <summary>On a route against which <see cref="AllReduceRouter.Objection"/> has nothing.</summary>
    internal void Launch(AllReduceRoute route, nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        if (route is AllReduceRoute.Nccl or AllReduceRoute.NcclSymmetric)
        {
            ByNccl(nameof(AllReduce), stream).AllReduce(input, output, count, type, op, stream);
            _peer.EndOrdered(stream);
            return;
        }

        _last = _peer;
        _peer.AllReduce(route, input, output, count, type, op, stream);
    }

    /// <summary>The request, where its buffers lie.</summary>
    /// <exception cref="ArgumentException">The output begins in registered memory and ends outside of it.</exception>
    internal AllReduceRequest Locate(in AllReduceRequest request, nint input, nint output) =>
        (Nccl is null ? request : Nccl.Locate(request, input, output)) with { IsRegistered = _peer.IsRegistered(output, request.Bytes) };

    /// <summary>What decides routes; the members change it together, between calls.</summary>
    internal AllReduceFacts Facts { get; set; }

    /// <summary>By one kernel over peer memory.</summary>
    internal void AllReduceRmsNorm(AllReduceRmsNormRoute route, CudaKernel kernel, in RmsNormArguments norm, DataType type, nint stream)
    {
        _last = _peer;
        _peer.AllReduceRmsNorm(route, kernel, in norm, type, stream);
    }

    /// <summary>The route that such a call takes on every rank.</summary>
    internal AllReduceChoice Route(in AllReduceRequest request) => AllReduceRouter.Explain(request, Facts);

    public void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream)
    {
        ForReduction(nameof(Reduce), count, type, op, stream).Reduce(input, output, count, type, op, root, stream);
        _peer.EndOrdered(stream);
    }

    public void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream)
    {
        ForParts(nameof(Broadcast), count, type, stream).Broadcast(buffer, count, type, root, stream);
        _peer.EndOrdered(stream);
    }

    public void AllGather(nint input, nint output, nuint count, DataType type, nint stream)
    {
        ForParts(nameof(AllGather), count, type, stream).AllGather(input, output, count, type, stream);
        _peer.EndOrdered(stream);
    }

    public void AllGatherV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, nint stream)
    {
        ForParts(nameof(AllGatherV), Longest(counts), type, stream).AllGatherV(input, output, counts, type, stream);
        _peer.EndOrdered(stream);
    }

    public void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        ForReduction(nameof(ReduceScatter), count, type, op, stream).ReduceScatter(input, output, count, type, op, stream);
        _peer.EndOrdered(stream);
    }

    public void ReduceScatterV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, DeviceReduceOp op, nint stream)
    {
        ForReduction(nameof(ReduceScatterV), Longest(counts), type, op, stream).ReduceScatterV(input, output, counts, type, op, stream);
        _peer.EndOrdered(stream);
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, nint stream)
    {
        ForParts(nameof(Gather), count, type, stream).Gather(input, output, count, type, root, stream);
        _peer.EndOrdered(stream);
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, nint stream)
    {
        ForParts(nameof(Scatter), count, type, stream).Scatter(input, output, count, type, root, stream);
        _peer.EndOrdered(stream);
    }

    public void AllToAll(nint input, nint output, nuint count, DataType type, nint stream)
    {
        ForParts(nameof(AllToAll), count, type, stream).AllToAll(input, output, count, type, stream);
        _peer.EndOrdered(stream);
    }

    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, nint stream)
    {
        ByNccl(nameof(AllToAllV), stream).AllToAllV(input, sendCounts, output, receiveCounts, type, stream);
        _peer.EndOrdered(stream);
    }

    /// <summary>By our kernel, unless the group's calls are told to go by NCCL.</summary>
    public void Barrier(nint stream)
    {
        ForParts(nameof(Barrier), 0, default, stream).Barrier(stream);
        _peer.EndOrdered(stream);
    }

    public void Send(nint buffer, nuint count, DataType type, int destination, nint stream)
    {
        ByNccl(nameof(Send), stream).Send(buffer, count, type, destination, stream);
        _peer.EndOrdered(stream);
    }

    public void Receive(nint buffer, nuint count, DataType type, int source, nint stream)
    {
        ByNccl(nameof(Receive), stream).Receive(buffer, count, type, source, stream);
        _peer.EndOrdered(stream);
    }

    /// <summary>Our kernels are launched as they are called, before what NCCL collects.</summary>
    public void BeginBatch()
    {
        _peer.BeginBatch();
        Nccl?.BeginBatch();
        _batches++;
    }

    /// <summary>At the end of the outermost NCCL enqueues what the batch holds, and joins the streams of its calls: the next call of the group follows them by the last one.</summary>
    public void EndBatch()
    {
        _batches = Math.Max(0, _batches - 1);
        nint? batched = _batched;
        if (_batches == 0)
            _batched = null;
        Nccl?.EndBatch();
        if (_batches > 0 || batched is not { } stream)
            return;
        _peer.BeginOrdered(stream);
        _peer.EndOrdered(stream);
    }

    public RegisteredBuffer Register(nint pointer, nuint bytes, RegistrationKind kind) => ByNccl(nameof(Register)).Register(pointer, bytes, kind);

    public unsafe PremultipliedSum CreatePremultipliedSum(void* scalar, DataType type) => ByNccl(nameof(CreatePremultipliedSum)).CreatePremultipliedSum(scalar, type);

    public void Abort(string reason)
    {
        _peer.Abort(reason);
        Nccl?.Abort(reason);
    }

    /// <summary>Our kernels first: they end by themselves, and NCCL waits for what is on the device.</summary>
    public void Dispose()
    {
        _peer.Dispose();
        Nccl?.Dispose();
    }

    /// <summary>Each of the two is watched by itself; this asks them both.</summary>
    void IGuardedCommunicator.Look(bool thorough)
    {
        ((IGuardedCommunicator)_peer).Look(thorough);
        (Nccl as IGuardedCommunicator)?.Look(thorough);
    }

    void IGuardedCommunicator.LookForErrors()
    {
        ((IGuardedCommunicator)_peer).LookForErrors();
        (Nccl as IGuardedCommunicator)?.LookForErrors();
    }

    private static nuint Longest(ReadOnlySpan<nuint> counts)
    {
        nuint longest = 0;
        foreach (nuint count in counts)
            longest = nuint.Max(longest, count);
        return longest;
    }

    /// <summary>Without a try block, where the JIT would make stubs of native calls, which allocate.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsCaptured(nint stream)
    {
        CudaContextScope scope = Device.MakeCurrent();
        bool isCaptured = GraphCapture.IsCapturing(stream);
        scope.Dispose();
        return isCaptured;
    }

    private IDeviceCommunicator ForReduction(string call, nuint longest, DataType type, DeviceReduceOp op, nint stream)
    {
        if (Facts.Policy != AllReducePolicy.Deterministic)
            return ForParts(call, longest, type, stream, op);
        if (op.Scaled is not null)
            throw new NotSupportedException($"{call} by {op}: premultiplied sums are NCCL's, which {nameof(GroupOptions)}.{nameof(GroupOptions.AllReducePolicy)} {AllReducePolicy.Deterministic} excludes.");
        _last = _peer;
        return _peer;
    }

    /// <summary>Which of the two takes a collective whose longest part has so many elements.</summary>
    private IDeviceCommunicator ForParts(string call, nuint longest, DataType type, nint stream, DeviceReduceOp op = default)
    {
        bool isOwn = op.Scaled is null && (Nccl is null || (Facts.Forced != AllReduceRoute.Nccl && longest * (nuint)type.SizeInBytes() * (nuint)(Facts.WorldSize - 1) <= MostTraffic));
        if (!isOwn)
            return ByNccl(call, stream);
        _last = _peer;
        return _peer;
    }

    /// <summary>For a call on a stream, which follows the group's last one; <see cref="PeerCommunicator.EndOrdered"/> comes behind it.</summary>
    private NcclCommunicator ByNccl(string call, nint stream)
    {
        NcclCommunicator nccl = ByNccl(call);
        _peer.BeginOrdered(stream);
        if (_batches > 0)
            _batched = stream;
        return nccl;
    }

    private NcclCommunicator ByNccl(string call)
    {
        NcclCommunicator nccl = Nccl ?? throw new NotSupportedException($"{call} on device memory. NCCL: {Facts.NcclObjection} Our kernels: they have neither messages, nor parts whose lengths other ranks don't know, nor registration, nor premultiplied sums.");
        _last = nccl;
        return nccl;
    }
}
