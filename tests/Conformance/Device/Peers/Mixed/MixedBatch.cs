using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// Calls of every kind, type and route in a random order, drawn alike on all ranks. All of them are in flight together; a few in a row are captured once, and replayed in their place between the eager ones.
/// </summary>
internal sealed class MixedBatch : IDisposable
{
    private readonly DeviceRank _rank;
    private readonly List<IPeerCalls> _kinds = [];
    private readonly List<(IPeerCalls Kind, int Call)> _order;
    private readonly CudaGraph _graph;
    private readonly CudaGraphExec _replay;
    private readonly Range _captured;

    /// <param name="rank">This one, where nothing is in flight.</param>
    /// <param name="random">In the same state on all ranks.</param>
    /// <param name="memory">Registered, for inputs and outputs.</param>
    /// <param name="each">How many calls of each type.</param>
    internal MixedBatch(DeviceRank rank, Random random, DeviceSpan<byte> memory, int each)
    {
        _rank = rank;
        foreach ((DataType type, ReduceOp[] ops) in Kinds)
        {
            PeerCall[] calls = [.. Enumerable.Range(0, each).Select(_ => AnyCall(random, ops))];
            Add(memory => Make(type, calls, memory));
        }

        RmsNormCase[] norms = [.. Enumerable.Range(0, (each + 3) / 4).Select(_ => new RmsNormCase(
            RmsNormTests.AnyRoute(random), random.Next(1, 12), random.Next(1, 300), RmsNormTests.AnyScaling(random), InPlace: false, random.Next(2) == 0, random.Next(8), random.Next()))];
        Add(memory => new RmsNormCases<BFloat16>(rank, norms, memory));

        (IPeerCalls, int)[] order = [.. _kinds.SelectMany(kind => Enumerable.Range(0, kind.Count).Select(call => (kind, call)))];
        random.Shuffle(order);
        _order = [.. order];
        int begin = random.Next(Count / 2);
        _captured = begin..(begin + random.Next(2, Count / 4));
        _graph = rank.Capture(() => _order[_captured].ForEach(call => call.Kind.Enqueue(call.Call, rank.Stream)));
        _replay = _graph.Instantiate();

        // Not at the first launch, when kernels wait for their peers.
        _replay.Upload(rank.Stream);

        void Add(Func<DeviceSpan<byte>, IPeerCalls> make)
        {
            _kinds.Add(make(memory));
            memory = memory.Slice(_kinds[^1].Bytes);
        }
    }

    /// <summary>Two operations of each type: what is compiled takes time, and every pair is tried by itself elsewhere.</summary>
    internal static IReadOnlyList<(DataType Type, ReduceOp[] Ops)> Kinds { get; } =
    [
        (DataType.Float32, [ReduceOp.Sum, ReduceOp.Average]),
        (DataType.Float16, [ReduceOp.Sum, ReduceOp.Max]),
        (DataType.BFloat16, [ReduceOp.Sum, ReduceOp.Average]),
        (DataType.Float8E4M3, [ReduceOp.Sum, ReduceOp.Min]),
        (DataType.Float8E5M2, [ReduceOp.Sum, ReduceOp.Max]),
        (DataType.Int8, [ReduceOp.Sum, ReduceOp.Average]),
        (DataType.Int32, [ReduceOp.Sum, ReduceOp.Min]),
        (DataType.Int64, [ReduceOp.Sum, ReduceOp.Max]),
        (DataType.Float64, [ReduceOp.Average, ReduceOp.Min]),
    ];

    internal int Count => _order.Count;

    /// <summary>With inputs of its own. Nobody begins before everybody has looked at the round before and has loaded this one's: peers write into registered outputs.</summary>
    internal void Run(int round, RandomDelays delays)
    {
        _kinds.ForEach(kind => kind.Load(round));
        _rank.Meet();
        for (int call = 0; call < Count; call++)
        {
            delays.Next();
            if (call == _captured.Start.Value)
                _replay.Launch(_rank.Stream);
            if (call < _captured.Start.Value || call >= _captured.End.Value)
                _order[call].Kind.Enqueue(_order[call].Call, _rank.Stream);
        }

        delays.End();
        _rank.Meet();
        _kinds.ForEach(kind => kind.Check(round));
    }

    public void Dispose()
    {
        _replay.Dispose();
        _graph.Dispose();
        _kinds.ForEach(kind => kind.Dispose());
    }

    /// <summary>Half of them all-reduces; most of them small.</summary>
    private PeerCall AnyCall(Random random, ReduceOp[] ops)
    {
        CollectiveKind collective = random.Next(8) switch
        {
            0 => CollectiveKind.AllGather,
            1 => CollectiveKind.ReduceScatter,
            2 => CollectiveKind.AllToAll,
            3 => CollectiveKind.Broadcast,
            _ => CollectiveKind.AllReduce,
        };
        int count = random.Next(12) == 0 ? random.Next(1, _rank.IsBrief ? 8_000 : 65_536) : random.Next(1, 700);
        if (collective is not (CollectiveKind.AllReduce or CollectiveKind.Broadcast))
            count = (count + _rank.Size - 1) / _rank.Size * _rank.Size;
        bool inPlace = collective == CollectiveKind.Broadcast || (collective != CollectiveKind.AllToAll && random.Next(2) == 0);
        return new PeerCall(AnyRoute(random), ops[random.Next(ops.Length)], count, inPlace, random.Next(16), random.Next(16), random.Next()) { Collective = collective, Root = random.Next(_rank.Size) };
    }

    /// <summary>One of ours, or the group's choice.</summary>
    private AllReduceRoute AnyRoute(Random random) => random.Next(7) switch
    {
        0 => AllReduceRoute.None,
        1 => AllReduceRoute.Registered,
        2 when !RegisteredCases.SharesDevice(_rank) => AllReduceRoute.CopyEngine,
        _ => PeerGroup.AnyRoute(random),
    };

    private IPeerCalls Make(DataType type, PeerCall[] calls, DeviceSpan<byte> memory) => type switch
    {
        DataType.Float32 => new PeerCalls<float>(_rank, calls, memory),
        DataType.Float16 => new PeerCalls<Half>(_rank, calls, memory),
        DataType.BFloat16 => new PeerCalls<BFloat16>(_rank, calls, memory),
        DataType.Float8E4M3 => new PeerCalls<Float8E4M3>(_rank, calls, memory),
        DataType.Float8E5M2 => new PeerCalls<Float8E5M2>(_rank, calls, memory),
        DataType.Int8 => new PeerCalls<sbyte>(_rank, calls, memory),
        DataType.Int32 => new PeerCalls<int>(_rank, calls, memory),
        DataType.Int64 => new PeerCalls<long>(_rank, calls, memory),
        _ => new PeerCalls<double>(_rank, calls, memory),
    };
}
