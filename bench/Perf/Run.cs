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

        long wrong = _rows.Sum(row => (row.OutOfPlace?.Wrong ?? 0) + (row.InPlace?.Wrong ?? 0));
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
            Convention convention = new(options.Collective);
            IReadOnlyList<ReduceOp> operations = convention.Reduces ? options.Operations : [ReduceOp.Max];
            int[] roots = !convention.HasRoot ? [-1] : options.Root >= 0 ? [options.Root] : [.. Enumerable.Range(0, group.WorldSize)];
            IEnumerable<long> sizes = options.Collective == CollectiveKind.Barrier ? [0] : options.Sizes();
            foreach ((ReduceOp op, int root, long bytes) in operations.SelectMany(op => roots.SelectMany(root => sizes.Select(size => (op, root, size)))))
            {
                if (bytes / sizeof(T) > int.MaxValue)
                    throw new PerfException($"{bytes} bytes are more than {int.MaxValue} elements.");
                int count = (int)(bytes / sizeof(T)) / (convention.IsParted ? group.WorldSize : 1);
                int elements = convention.IsParted ? count * group.WorldSize : count;
                Row row = new Case<T>(options, group, count, op, root).Measure(new Span<T>(input, elements), new Span<T>(output, elements));
                _rows.Add(row);
                if (table is not null)
                    Table.PrintRow(row);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(input);
            NativeMemory.AlignedFree(output);
        }
    }
}
