using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>One row: which parts of the buffers a call takes, how long it takes, and what must come out.</summary>
/// <param name="setting">The run.</param>
/// <param name="buffers">Both hold the row's size.</param>
/// <param name="type">Of their elements.</param>
/// <param name="count">The row's count, which is one rank's part where the buffer is made of parts.</param>
/// <param name="op">How it reduces.</param>
/// <param name="root">-1 without one.</param>
internal sealed class Case(Setting setting, IBuffers buffers, DataType type, long count, Operation op, int root)
{
    private readonly GroupCoordinator _group = setting.Group;
    private readonly PerfOptions _options = setting.Options;
    private readonly Convention _convention = new(setting.Options.Collective);

    private CollectiveKind Collective => _options.Collective;

    private long Elements => _convention.IsParted ? count * _group.WorldSize : count;

    private long Bytes => Elements * type.SizeInBytes();

    internal Row Measure()
    {
        Part first = new(0, 0, Elements), second = new(1, 0, Elements), ownPart = first.Slice(_group.RankInGroup * count, _convention.IsParted ? count : 0);
        Measurement? outOfPlace = null;
        if (_convention.HasOutOfPlace)
        {
            // What one rank gives or gets is a part of the buffer or all of it.
            outOfPlace = Collective switch
            {
                CollectiveKind.AllGather or CollectiveKind.Gather => MeasureOne(first.Slice(0, count), second),
                CollectiveKind.ReduceScatter or CollectiveKind.Scatter => MeasureOne(first, second.Slice(0, count)),
                _ => MeasureOne(first, second),
            };
        }

        bool hasInPlace = setting.OnDevice ? _convention.HasDeviceInPlace : _convention.HasInPlace;
        Measurement? inPlace = Collective switch
        {
            _ when !hasInPlace => null,
            CollectiveKind.AllGather or CollectiveKind.Gather => MeasureOne(ownPart, first),
            CollectiveKind.ReduceScatter or CollectiveKind.Scatter => MeasureOne(first, ownPart),
            _ => MeasureOne(first, first),
        };
        string operation = _convention.Reduces ? CommandLine.NameOf(op) : "none";
        return new Row(Bytes, count, Collective == CollectiveKind.Barrier ? "none" : type.NcclName(), operation, root, outOfPlace, inPlace);
    }

    private Measurement MeasureOne(Part input, Part output)
    {
        Call call = new(Collective, input, output, op, root);

        // Both, so that no page is touched for the first time while the clock runs.
        buffers.Fill(output, 1, Operation.Sum);
        buffers.Fill(input, 1, Operation.Sum);
        double own = buffers.Time(call);

        // As nccl-tests: the mean over the ranks.
        double[] time = [own];
        _group.AllReduce<double>(time, time, ReduceOp.Average);
        double algorithm = time[0] > 0 ? Bytes / time[0] / 1e3 : 0;
        return new Measurement(time[0], algorithm, algorithm * _convention.BusFactor(_group.WorldSize), _options.Checks == 0 ? null : CountWrong(call));
    }

    private long CountWrong(Call call)
    {
        // Here the last timed call's inputs are known too.
        long[] wrong = [_options.Fresh ? CountWrong(call.Output, _options.Iterations) : 0];
        for (int check = 0; check < _options.Checks; check++)
        {
            int seed = unchecked((int)count + (31 * (int)op) + (1009 * check) + 2);
            buffers.Fill(call.Input, seed, op);
            buffers.Run(call);
            wrong[0] += CountWrong(call.Output, seed);
        }

        _group.AllReduce<long>(wrong, wrong);
        return wrong[0];
    }

    private long CountWrong(Part output, int seed)
    {
        int rank = _group.RankInGroup, ranks = _group.WorldSize;
        switch (Collective)
        {
            case CollectiveKind.AllReduce: return buffers.CountWrong(output, seed, op, 0);
            case CollectiveKind.Reduce: return rank == root ? buffers.CountWrong(output, seed, op, 0) : 0;
            case CollectiveKind.ReduceScatter: return buffers.CountWrong(output, seed, op, rank * count);
            case CollectiveKind.Broadcast: return buffers.CountWrongCopy(output, seed, op, root, 0);
            case CollectiveKind.Scatter: return buffers.CountWrongCopy(output, seed, op, root, rank * count);
            case CollectiveKind.SendReceive: return buffers.CountWrongCopy(output, seed, op, Call.Previous(_group), 0);
            case CollectiveKind.Gather when rank != root:
            case CollectiveKind.Barrier: return 0;
        }

        // All-gather, gather and all-to-all: a part of each rank; of its beginning, or of what it has for this rank.
        long from = Collective == CollectiveKind.AllToAll ? rank * count : 0;
        long wrong = 0;
        for (int peer = 0; peer < ranks; peer++)
            wrong += buffers.CountWrongCopy(output.Slice(peer * count, count), seed, op, peer, from);
        return wrong;
    }
}
