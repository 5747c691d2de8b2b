using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>One rank's part of a run. Rank 0 prints.</summary>
internal sealed class Run(Setting setting)
{
    private readonly PerfOptions _options = setting.Options;
    private readonly GroupCoordinator _group = setting.Group;
    private readonly List<Row> _rows = [];

    /// <summary>0 if every checked element was right.</summary>
    internal int Execute()
    {
        setting.Check();
        DateTimeOffset started = DateTimeOffset.UtcNow;
        Table? table = _group.Rank == 0 ? new Table(setting) : null;
        table?.PrintHeader();
        using (CudaStream? stream = setting.OnDevice ? _group.Device!.CreateStream() : null)
        using (DevicePattern? pattern = stream is not null && _options.Checks > 0 ? new DevicePattern(_group, stream) : null)
        {
            foreach (DataType type in setting.Types)
            {
                using IBuffers buffers = Allocate(type, stream, pattern);
                Measure(type, buffers, table);
            }
        }

        long wrong = _rows.Sum(row => (row.OutOfPlace?.Wrong ?? 0) + (row.InPlace?.Wrong ?? 0));
        table?.PrintFooter(_rows, wrong);
        if (_group.Rank == 0)
            Report.Write(setting, _rows, started);
        return wrong == 0 ? 0 : 1;
    }

    private void Measure(DataType type, IBuffers buffers, Table? table)
    {
        Convention convention = new(_options.Collective);
        IReadOnlyList<Operation> operations = convention.Reduces ? setting.Operations : [Operation.Max];
        int[] roots = !convention.HasRoot ? [-1] : _options.Root >= 0 ? [_options.Root] : [.. Enumerable.Range(0, _group.WorldSize)];
        IEnumerable<long> sizes = _options.Collective == CollectiveKind.Barrier ? [0] : _options.Sizes();
        foreach ((Operation op, int root, long bytes) in operations.SelectMany(op => roots.SelectMany(root => sizes.Select(size => (op, root, size)))))
        {
            long count = bytes / type.SizeInBytes() / (convention.IsParted ? _group.WorldSize : 1);
            if (!setting.OnDevice && bytes / type.SizeInBytes() > int.MaxValue)
                throw new PerfException($"{bytes} bytes are more than {int.MaxValue} elements.");

            // As nccl-tests, so that no part begins where a GPU can't load 16 bytes at once.
            if (setting.OnDevice && convention.IsParted)
                count -= count % (16 / type.SizeInBytes());
            Row row = new Case(setting, buffers, type, count, op, root).Measure();
            _rows.Add(row);
            if (table is not null)
                Table.PrintRow(row);
        }
    }

    private IBuffers Allocate(DataType type, CudaStream? stream, DevicePattern? pattern) => type switch
    {
        DataType.Int8 => Allocate<sbyte>(stream, pattern),
        DataType.UInt8 => Allocate<byte>(stream, pattern),
        DataType.Int32 => Allocate<int>(stream, pattern),
        DataType.UInt32 => Allocate<uint>(stream, pattern),
        DataType.Int64 => Allocate<long>(stream, pattern),
        DataType.UInt64 => Allocate<ulong>(stream, pattern),
        DataType.Float16 => Allocate<Half>(stream, pattern),
        DataType.Float32 => Allocate<float>(stream, pattern),
        DataType.Float64 => Allocate<double>(stream, pattern),
        DataType.BFloat16 => Allocate<BFloat16>(stream, pattern),
        DataType.Float8E4M3 => Allocate<Float8E4M3>(stream, pattern),
        DataType.Float8E5M2 => Allocate<Float8E5M2>(stream, pattern),
        _ => throw new PerfException($"No element type {type}."),
    };

    private unsafe IBuffers Allocate<T>(CudaStream? stream, DevicePattern? pattern)
        where T : unmanaged
        => stream is null ? new HostBuffers<T>(_options, _group, _options.MaxBytes) : new DeviceBuffers<T>(setting, stream, pattern, _options.MaxBytes / sizeof(T));
}
