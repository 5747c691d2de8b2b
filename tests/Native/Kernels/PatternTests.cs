using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using CollectivesSharp.Perf;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>bench/Perf's pattern is written twice, for the host and for a device: the two must be one.</summary>
public sealed class PatternTests : IDisposable
{
    private const int Seed = 20_011;
    private const int Length = 4_099;

    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;
    private readonly DeviceBuffer<long> _wrong;

    public PatternTests()
    {
        Assert.SkipUnless(CudaDriver.TryInitialize(out string? reason), reason?.Split('\n')[0] ?? "");
        Libraries.Need(NativeLibraryKind.Nvrtc);
        CudaDevice device = CudaDevice.All[0];
        _library = KernelLibrary.Load(device, KernelSource.FromResource(typeof(PatternArguments).Assembly, "pattern.cu"));
        _stream = device.CreateStream();
        _wrong = device.Allocate<long>(1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(12)]
    public void The_device_fills_and_counts_as_the_host_does(int ranks)
    {
        foreach (Operation op in Enum.GetValues<Operation>())
        {
            Compare<sbyte>(ranks, op);
            Compare<byte>(ranks, op);
            Compare<int>(ranks, op);
            Compare<uint>(ranks, op);
            Compare<long>(ranks, op);
            Compare<ulong>(ranks, op);
            Compare<Half>(ranks, op);
            Compare<float>(ranks, op);
            Compare<double>(ranks, op);
            Compare<BFloat16>(ranks, op);
            Compare<Float8E4M3>(ranks, op);
            Compare<Float8E5M2>(ranks, op);
        }
    }

    [Fact]
    public void Each_wrong_element_counts()
    {
        float[] result = new float[Length];
        Pattern<float>.Fill(result, Seed, 0, 1, Operation.Sum);
        foreach (int index in (int[])[0, 1, 255, 256, Length - 1])
            result[index]++;
        result[17] = float.NaN;
        using DeviceBuffer<float> buffer = _library.Device.AllocateFrom<float>(result);

        Assert.Equal(6, CountWrong<float>(buffer, Operation.Sum, 1, rank: -1, first: 0));
        Assert.Equal(6, CountWrong<float>(buffer, Operation.Sum, 1, rank: 0, first: 0));
    }

    public void Dispose()
    {
        _wrong.Dispose();
        _stream.Dispose();
        _library.Dispose();
    }

    private void Compare<T>(int ranks, Operation op)
        where T : unmanaged
    {
        string what = $"{typeof(T).Name} {op} {ranks} ranks";
        using DeviceBuffer<T> buffer = _library.Device.Allocate<T>(Length);
        T[] expected = new T[Length];
        for (int rank = 0; rank < ranks; rank++)
        {
            Pattern<T>.Fill(expected, Seed, rank, ranks, op);
            Launch("fill_pattern", Arguments<T>(buffer, op, ranks, rank, first: 0));
            Assert.True(expected.AsSpan().SequenceEqual(buffer.ToArray()), what);
            Assert.Equal(0, CountWrong<T>(buffer, op, ranks, rank, first: 0));
        }

        // Beyond 32 bits of index, as the check of a part does: the last rank's input from there on.
        const long First = (5L << 32) + 77;
        Launch("fill_pattern", Arguments<T>(buffer, op, ranks, ranks - 1, First));
        Assert.True(Pattern<T>.CountWrongCopy(buffer.ToArray(), Seed, ranks - 1, ranks, op, First) == 0, what);

        // What the host counts as wrong in a reduction the device does, where both know the operation. An input is wrong nearly everywhere as a sum.
        if (op != Operation.MulSum && !(op == Operation.Average && !int.IsPow2(ranks)))
            Assert.Equal(Pattern<T>.CountWrong(buffer.ToArray(), Seed, ranks, op, First), CountWrong<T>(buffer, op, ranks, rank: -1, First));
    }

    private long CountWrong<T>(DeviceBuffer<T> buffer, Operation op, int ranks, int rank, long first)
        where T : unmanaged
    {
        _wrong.Span.Clear(_stream);
        Launch("count_wrong", Arguments(buffer, op, ranks, rank, first));
        return _wrong.ToArray()[0];
    }

    private PatternArguments Arguments<T>(DeviceBuffer<T> buffer, Operation op, int ranks, int rank, long first)
        where T : unmanaged
        => new()
        {
            Data = buffer.Pointer,
            Count = buffer.Length,
            First = (ulong)first,
            Wrong = _wrong.Pointer,
            Type = (int)DataTypeExtensions.Of<T>(),
            Op = (int)op,
            Seed = Seed,
            Ranks = ranks,
            Rank = rank,
        };

    private void Launch(string kernel, in PatternArguments arguments)
    {
        _library.Get(kernel).Launch(7, 128, _stream, arguments);
        _stream.Synchronize();
    }
}
