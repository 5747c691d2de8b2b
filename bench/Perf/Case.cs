using System.Diagnostics;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>One row. <paramref name="count"/>: the row's count, which is one rank's part where the buffer is made of parts.</summary>
internal sealed class Case<T>(PerfOptions options, GroupCoordinator group, int count, ReduceOp op, int root)
    where T : unmanaged
{
    private readonly Convention _convention = new(options.Collective);

    private int Elements => _convention.IsParted ? count * group.WorldSize : count;

    private int Previous => (group.RankInGroup + group.WorldSize - 1) % group.WorldSize;

    private Range OwnPart => (group.RankInGroup * count)..((group.RankInGroup + 1) * count);

    /// <summary>Both buffers hold the row's size.</summary>
    internal unsafe Row Measure(Span<T> first, Span<T> second)
    {
        Measurement? outOfPlace = null;
        if (_convention.HasOutOfPlace)
        {
            // What one rank gives or gets is a part of the buffer or all of it.
            outOfPlace = options.Collective switch
            {
                CollectiveKind.AllGather or CollectiveKind.Gather => MeasureOne(first[..count], second),
                CollectiveKind.ReduceScatter or CollectiveKind.Scatter => MeasureOne(first, second[..count]),
                _ => MeasureOne(first, second),
            };
        }

        Measurement? inPlace = options.Collective switch
        {
            _ when !_convention.HasInPlace => null,
            CollectiveKind.AllGather or CollectiveKind.Gather => MeasureOne(first[OwnPart], first),
            CollectiveKind.ReduceScatter or CollectiveKind.Scatter => MeasureOne(first, first[OwnPart]),
            _ => MeasureOne(first, first),
        };
        string operation = _convention.Reduces ? CommandLine.NameOf(op) : "none";
        string type = options.Collective == CollectiveKind.Barrier ? "none" : DataTypeExtensions.Of<T>().NcclName();
        return new Row((long)Elements * sizeof(T), count, type, operation, root, outOfPlace, inPlace);
    }

    private unsafe Measurement MeasureOne(Span<T> input, Span<T> output)
    {
        // Both, so that no page is touched for the first time while the clock runs.
        Pattern<T>.Fill(output, 1, group.RankInGroup, ReduceOp.Sum);
        Pattern<T>.Fill(input, 1, group.RankInGroup, ReduceOp.Sum);
        for (int i = 0; i < options.WarmupIterations; i++)
            Call(input, output);
        group.Barrier();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < options.Iterations; i++)
            Call(input, output);
        double own = Stopwatch.GetElapsedTime(start).TotalMicroseconds / options.Iterations;

        // As nccl-tests: the mean over the ranks.
        double[] time = [own];
        group.AllReduce<double>(time, time, ReduceOp.Average);
        double algorithm = (double)Elements * sizeof(T) / time[0] / 1e3;
        return new Measurement(time[0], algorithm, algorithm * _convention.BusFactor(group.WorldSize), options.Checks == 0 ? null : CountWrong(input, output));
    }

    private long CountWrong(Span<T> input, Span<T> output)
    {
        long[] wrong = [0];
        for (int check = 0; check < options.Checks; check++)
        {
            int seed = count + (31 * (int)op) + (1009 * check) + 2;
            Pattern<T>.Fill(input, seed, group.RankInGroup, op);
            Call(input, output);
            wrong[0] += CountWrong(output, seed);
        }

        group.AllReduce<long>(wrong, wrong);
        return wrong[0];
    }

    private long CountWrong(ReadOnlySpan<T> output, int seed)
    {
        int rank = group.RankInGroup, ranks = group.WorldSize;
        switch (options.Collective)
        {
            case CollectiveKind.AllReduce: return Pattern<T>.CountWrong(output, seed, ranks, op, 0);
            case CollectiveKind.Reduce: return rank == root ? Pattern<T>.CountWrong(output, seed, ranks, op, 0) : 0;
            case CollectiveKind.ReduceScatter: return Pattern<T>.CountWrong(output, seed, ranks, op, rank * count);
            case CollectiveKind.Broadcast: return Pattern<T>.CountWrongCopy(output, seed, root, op, 0);
            case CollectiveKind.Scatter: return Pattern<T>.CountWrongCopy(output, seed, root, op, rank * count);
            case CollectiveKind.SendReceive: return Pattern<T>.CountWrongCopy(output, seed, Previous, op, 0);
            case CollectiveKind.Gather when rank != root:
            case CollectiveKind.Barrier: return 0;
        }

        // All-gather, gather and all-to-all: a part of each rank; of its beginning, or of what it has for this rank.
        int from = options.Collective == CollectiveKind.AllToAll ? rank * count : 0;
        long wrong = 0;
        for (int peer = 0; peer < ranks; peer++)
            wrong += Pattern<T>.CountWrongCopy(output.Slice(peer * count, count), seed, peer, op, from);
        return wrong;
    }

    private void Call(Span<T> input, Span<T> output)
    {
        switch (options.Collective)
        {
            case CollectiveKind.AllReduce: group.AllReduce<T>(input, output, op); break;
            case CollectiveKind.Reduce: group.Reduce<T>(input, output, root, op); break;
            case CollectiveKind.AllGather: group.AllGather<T>(input, output); break;
            case CollectiveKind.ReduceScatter: group.ReduceScatter<T>(input, output, op); break;
            case CollectiveKind.Gather: group.Gather<T>(input, output, root); break;
            case CollectiveKind.Scatter: group.Scatter<T>(input, output, root); break;
            case CollectiveKind.AllToAll: group.AllToAll<T>(input, output); break;
            case CollectiveKind.Broadcast: group.Broadcast(output, root); break;
            case CollectiveKind.SendReceive: group.SendReceive<T>(input, (group.RankInGroup + 1) % group.WorldSize, output, Previous); break;
            default: group.Barrier(); break;
        }
    }
}
