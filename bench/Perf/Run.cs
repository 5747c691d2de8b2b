using System.Diagnostics;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>One rank's part of a run. Rank 0 prints.</summary>
internal sealed class Run(PerfOptions options, GroupCoordinator group)
{
    private readonly List<Row> _rows = [];

    /// <summary>0 if every checked element was right.</summary>
    internal int Execute()
    {
        if (options.Root >= group.WorldSize)
            throw new PerfException($"-r {options.Root}: ranks go from 0 to {group.WorldSize - 1}.");
        DateTimeOffset started = DateTimeOffset.UtcNow;
        Table? table = group.Rank == 0 ? new Table(options, group) : null;
        table?.PrintHeader();
        foreach (DataType type in options.Types)
        {
            switch (type)
            {
                case DataType.Int8: Measure<sbyte>(table); break;
                case DataType.UInt8: Measure<byte>(table); break;
                case DataType.Int32: Measure<int>(table); break;
                case DataType.UInt32: Measure<uint>(table); break;
                case DataType.Int64: Measure<long>(table); break;
                case DataType.UInt64: Measure<ulong>(table); break;
                case DataType.Float16: Measure<Half>(table); break;
                case DataType.Float32: Measure<float>(table); break;
                case DataType.Float64: Measure<double>(table); break;
                case DataType.BFloat16: Measure<BFloat16>(table); break;
                case DataType.Float8E4M3: Measure<Float8E4M3>(table); break;
                case DataType.Float8E5M2: Measure<Float8E5M2>(table); break;
                default: throw new PerfException($"No element type {type}.");
            }
        }

        long wrong = _rows.Sum(row => (row.OutOfPlace?.Wrong ?? 0) + (row.InPlace.Wrong ?? 0));
        table?.PrintFooter(_rows, wrong);
        if (group.Rank == 0)
            Report.Write(options, group, _rows, started);
        return wrong == 0 ? 0 : 1;
    }

    private unsafe void Measure<T>(Table? table)
        where T : unmanaged
    {
        long capacity = Math.Max(options.MaxBytes, sizeof(T));
        void* input = NativeMemory.AlignedAlloc((nuint)capacity, 4096);
        void* output = NativeMemory.AlignedAlloc((nuint)capacity, 4096);
        try
        {
            bool barrier = options.Collective == CollectiveKind.Barrier;
            IReadOnlyList<ReduceOp> operations = options.Collective == CollectiveKind.AllReduce ? options.Operations : [ReduceOp.Max];
            int[] roots = options.Collective != CollectiveKind.Broadcast ? [-1] : options.Root >= 0 ? [options.Root] : [.. Enumerable.Range(0, group.WorldSize)];
            foreach (ReduceOp op in operations)
            {
                foreach (int root in roots)
                {
                    foreach (long bytes in barrier ? [0] : options.Sizes())
                    {
                        if (bytes / sizeof(T) > int.MaxValue)
                            throw new PerfException($"{bytes} bytes are more than {int.MaxValue} elements.");
                        int count = (int)(bytes / sizeof(T));
                        Case<T> test = new(options, group, count, op, root);
                        Row row = test.Measure(new Span<T>(input, count), new Span<T>(output, count));
                        _rows.Add(row);
                        if (table is not null)
                            Table.PrintRow(row);
                    }
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(input);
            NativeMemory.AlignedFree(output);
        }
    }

    /// <summary>One row.</summary>
    private sealed class Case<T>(PerfOptions options, GroupCoordinator group, int count, ReduceOp op, int root)
        where T : unmanaged
    {
        internal unsafe Row Measure(Span<T> input, Span<T> output)
        {
            bool reduces = options.Collective == CollectiveKind.AllReduce;
            Measurement? outOfPlace = reduces ? MeasureOne(input, output) : null;
            Measurement inPlace = MeasureOne(input, input);
            string operation = reduces ? CommandLine.NameOf(op) : "none";
            string type = options.Collective == CollectiveKind.Barrier ? "none" : DataTypeExtensions.Of<T>().NcclName();
            return new Row((long)count * sizeof(T), count, type, operation, root, outOfPlace, inPlace);
        }

        private unsafe Measurement MeasureOne(Span<T> input, Span<T> output)
        {
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
            int n = group.WorldSize;
            double algorithm = (double)count * sizeof(T) / time[0] / 1e3;
            double bus = options.Collective == CollectiveKind.AllReduce ? algorithm * 2 * (n - 1) / n : algorithm;
            return new Measurement(time[0], algorithm, bus, options.Checks == 0 ? null : CountWrong(input, output));
        }

        private long CountWrong(Span<T> input, Span<T> output)
        {
            long[] wrong = [0];
            for (int check = 0; check < options.Checks; check++)
            {
                int seed = count + (31 * (int)op) + (1009 * check) + 2;
                Pattern<T>.Fill(input, seed, group.RankInGroup, op);
                Call(input, output);
                wrong[0] += options.Collective switch
                {
                    CollectiveKind.AllReduce => Pattern<T>.CountWrong(output, seed, group.WorldSize, op),
                    CollectiveKind.Broadcast => Pattern<T>.CountWrongCopy(output, seed, root, op),
                    _ => 0,
                };
            }

            group.AllReduce<long>(wrong, wrong);
            return wrong[0];
        }

        private void Call(Span<T> input, Span<T> output)
        {
            switch (options.Collective)
            {
                case CollectiveKind.AllReduce: group.AllReduce<T>(input, output, op); break;
                case CollectiveKind.Broadcast: group.Broadcast(output, root); break;
                default: group.Barrier(); break;
            }
        }
    }
}
