using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>Fills and checks device memory on the device, by Kernels/pattern.cu.</summary>
internal sealed class DevicePattern : IDisposable
{
    private const int AllRanks = -1;
    private const int Threads = 256;

    private readonly GroupCoordinator _group;
    private readonly CudaStream _stream;
    private readonly KernelLibrary _library;
    private readonly CudaKernel _fill;
    private readonly CudaKernel _count;
    private readonly DeviceBuffer<long> _wrong;
    private readonly int _blocks;

    internal DevicePattern(GroupCoordinator group, CudaStream stream)
    {
        (_group, _stream, _blocks) = (group, stream, stream.Device.MultiprocessorCount * 8);
        try
        {
            _library = KernelLibrary.Load(stream.Device, KernelSource.FromResource(typeof(DevicePattern).Assembly, "pattern.cu"));
        }
        catch (NativeLibraryNotFoundException missing)
        {
            throw new PerfException($"The check of results on the device is compiled here; -c 0 measures without it. {missing.Message}");
        }

        _fill = _library.Get("fill_pattern");
        _count = _library.Get("count_wrong");
        _wrong = stream.Device.Allocate<long>(1);
    }

    internal void Fill<T>(DeviceSpan<T> part, int seed, Operation op)
        where T : unmanaged
        => Fill(part.Pointer, part.Length, DataTypeExtensions.Of<T>(), seed, op);

    /// <summary>As the other, of <paramref name="count"/> elements.</summary>
    internal void Fill(nint part, nuint count, DataType type, int seed, Operation op) => Launch(_fill, Arguments(part, count, type, seed, op, _group.RankInGroup, 0));

    /// <param name="rank">Null: what all ranks' inputs reduce to.</param>
    internal long CountWrong<T>(DeviceSpan<T> part, int seed, Operation op, int? rank, long first)
        where T : unmanaged
    {
        Begin();
        Count(part.Pointer, part.Length, DataTypeExtensions.Of<T>(), seed, op, rank, first);
        _group.Synchronize(_stream);
        return Wrong();
    }

    /// <summary>What <see cref="Count"/> enqueues from here on adds up to <see cref="Wrong"/>.</summary>
    internal void Begin() => _wrong.Span.Clear(_stream);

    /// <summary>Enqueues a count; may be captured.</summary>
    internal void Count(nint part, nuint count, DataType type, int seed, Operation op, int? rank, long first) => Launch(_count, Arguments(part, count, type, seed, op, rank ?? AllRanks, first));

    /// <summary>The stream has come to its end.</summary>
    internal long Wrong() => _wrong.ToArray()[0];

    public void Dispose()
    {
        _wrong.Dispose();
        _library.Dispose();
    }

    private PatternArguments Arguments(nint part, nuint count, DataType type, int seed, Operation op, int rank, long first) => new()
    {
        Data = part,
        Count = count,
        First = (ulong)first,
        Wrong = _wrong.Pointer,
        Tolerance = rank == AllRanks && op == Operation.Average ? AverageTolerance(type) : 0,
        Type = (int)type,
        Op = (int)op,
        Seed = seed,
        Ranks = _group.WorldSize,
        Rank = rank,
    };

    /// <summary>NCCL multiplies by 1/ranks, which is rounded unless that is a power of two: half a unit in the last place a rank there, half in each sum.</summary>
    private double AverageTolerance(DataType type)
    {
        double unit = type switch
        {
            DataType.Float16 => 1.0 / (1 << 10),
            DataType.Float32 => 1.0 / (1 << 23),
            DataType.Float64 => 1.0 / (1L << 52),
            DataType.BFloat16 => 1.0 / (1 << 7),
            DataType.Float8E4M3 => 1.0 / (1 << 3),
            DataType.Float8E5M2 => 1.0 / (1 << 2),
            _ => 0,
        };
        return int.IsPow2(_group.WorldSize) ? 0 : unit * _group.WorldSize;
    }

    private void Launch(CudaKernel kernel, in PatternArguments arguments)
    {
        if (arguments.Count == 0)
            return;
        int blocks = (int)Math.Min((ulong)_blocks, (arguments.Count + Threads - 1) / Threads);
        kernel.Launch(blocks, Threads, _stream, arguments);
    }
}
