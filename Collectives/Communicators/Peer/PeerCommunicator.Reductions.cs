using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed unsafe partial class PeerCommunicator
{
    /// <summary>
    /// As the interface says, on the route that is fastest among this communicator's own. The first call of a type and operation that was not prepared (<see cref="Prepare"/>) waits on the host for the other ranks, as
    /// <c>Prepare</c> does; while the stream is captured it throws <see cref="InvalidOperationException"/> instead. The same holds for the other reductions.
    /// </summary>
    public void AllReduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream) =>
        AllReduce(AllReduceRouter.OwnRoute(new AllReduceRequest(count, type, op), _facts), input, output, count, type, op, stream);

    /// <summary>On a route that can take it: see <see cref="AllReduceRouter"/>.</summary>
    internal void AllReduce(AllReduceRoute route, nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        ReduceOp own = Own(nameof(AllReduce), op);
        if (count == 0)
            return;
        nuint bytes = count * (nuint)type.SizeInBytes();
        _pointers.CheckStream(stream);
        _pointers.Check(input, bytes, type, stream, nameof(input));
        _pointers.Check(output, bytes, type, stream, nameof(output));
        HostCall call = new(CollectiveKind.AllReduce, type, own, 0, (long)count);
        Enter(call);
        try
        {
            PeerKernelSet kernels = _kernels.Find(type, own) ?? PrepareNow(type, own, stream);
            (_call, _sequence) = (call, _sequence + 1);
            AllReduceArguments arguments = new() { View = _view, Input = input, Output = output, Count = count };
            nuint cells = PeerLaunch.Cells(count, type), part = PeerLaunch.Part(cells, WorldSize);
            switch (route)
            {
                case AllReduceRoute.OneShot:
                    Launch(kernels.OneShot, PeerLaunch.For(cells, _setup.MostBlocks), stream, in arguments);
                    break;
                case AllReduceRoute.TwoShot:
                    Launch(kernels.TwoShot, PeerLaunch.For(part, _setup.MostBlocks), stream, in arguments);
                    break;
                case AllReduceRoute.Windowed:
                    Launch(kernels.Windowed, PeerLaunch.ForWindow(PeerLaunch.WindowedRings, part, WorldSize, _setup.MostBlocks, HalfBytes), stream, in arguments);
                    break;
                case AllReduceRoute.CopyEngine:
                    AllReduceByCopyEngine(kernels.Registered, call, input, output, stream);
                    break;
                case AllReduceRoute.Registered:
                    AllReduceIntoRegistered(kernels.Registered, call, input, output, stream);
                    break;
                default:
                    throw new NotSupportedException($"{call} by {Name}: half of a slice of {_slice.Bytes} bytes ({nameof(GroupOptions)}.{nameof(GroupOptions.ArenaBytes)}) does not hold it for {WorldSize} ranks.");
            }
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }

    public void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream)
    {
        Span<nuint> counts = stackalloc nuint[WorldSize];
        counts.Clear();
        counts[root] = count;
        ReduceParts(new(CollectiveKind.Reduce, type, Own(nameof(Reduce), op), root, (long)count), input, output, counts, stream);
    }

    public void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        Span<nuint> counts = stackalloc nuint[WorldSize];
        counts.Fill(count);
        ReduceParts(new(CollectiveKind.ReduceScatter, type, Own(nameof(ReduceScatter), op), 0, (long)count), input, output, counts, stream);
    }

    public void ReduceScatterV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, DeviceReduceOp op, nint stream)
    {
        CheckCounts(nameof(ReduceScatterV), counts);
        ReduceParts(HostCall.WithCounts(CollectiveKind.ReduceScatter, type, Own(nameof(ReduceScatterV), op), counts), input, output, counts, stream);
    }

    private static ReduceOp Own(string call, DeviceReduceOp op) => op.Scaled is null ? op.Op : throw new NotSupportedException($"{call} by {op}: premultiplied sums are NCCL's.");

    private void CheckCounts(string call, ReadOnlySpan<nuint> counts)
    {
        if (counts.Length != WorldSize)
            throw new ArgumentException($"{call}: {counts.Length} counts for {WorldSize} ranks.");
    }

    /// <summary>In as many launches as the longest part takes: the same number on all ranks.</summary>
    private void ReduceParts(HostCall call, nint input, nint output, ReadOnlySpan<nuint> counts, nint stream)
    {
        nuint size = (nuint)call.Type.SizeInBytes(), whole = 0, longest = 0;
        foreach (nuint count in counts)
            (whole, longest) = (whole + count, nuint.Max(longest, count));
        if (whole == 0)
            return;
        nuint most = HalfBytes / (nuint)(PeerLaunch.CellBytes * WorldSize) * (nuint)PeerLaunch.DataInCell(call.Type) / size;
        _pointers.CheckStream(stream);
        _pointers.Check(input, whole * size, call.Type, stream, nameof(input));
        _pointers.Check(output, counts[_setup.Rank] * size, call.Type, stream, nameof(output));
        Enter(call);
        try
        {
            PeerKernelSet kernels = _kernels.Find(call.Type, call.Op) ?? PrepareNow(call.Type, call.Op, stream);
            (_call, _sequence) = (call, _sequence + 1);
            for (nuint done = 0; done < longest; done += most)
            {
                ReduceScatterArguments arguments = new() { View = _view, Input = input, Output = output + (nint)(nuint.Min(done, counts[_setup.Rank]) * size) };
                nuint offset = 0;
                for (int rank = 0; rank < counts.Length; rank++)
                {
                    nuint from = nuint.Min(done, counts[rank]);
                    arguments.Offset[rank] = offset + from;
                    arguments.Count[rank] = nuint.Min(most, counts[rank] - from);
                    offset += counts[rank];
                }

                Launch(kernels.ReduceScatter, PeerLaunch.For(PeerLaunch.Cells(nuint.Min(most, longest - done), call.Type), _setup.MostBlocks), stream, in arguments);
            }
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }
}
