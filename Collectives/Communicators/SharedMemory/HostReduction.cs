using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Folds the ranks' elements in rank order, ((x0 op x1) op x2) ..., block by block in cache. The result of an element depends on nothing but its
/// inputs: not on the count, the position or the alignment. One thread at a time: the scratch memory is its own.
/// </summary>
internal sealed unsafe class HostReduction
{
    /// <summary>Two blocks of it (an accumulator and a converted source) stay in a level-1 cache beside the sources.</summary>
    private const int BlockBytes = 8 << 10;

    /// <summary>A span's length is an int.</summary>
    private const nuint MaxSpan = 1 << 28;

    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(2 * BlockBytes, pinned: true);

    /// <summary>
    /// <paramref name="target"/> may be equal to a source, not overlap one otherwise: all sources of a block are read before the target's
    /// block is written, and the last fold reads and writes elementwise. At least two sources.
    /// </summary>
    internal void Reduce(DataType type, ReduceOp op, ReadOnlySpan<nint> sources, nint target, nuint count)
    {
        switch (type)
        {
            case DataType.Int8: Native<sbyte>(op, sources, target, count); break;
            case DataType.UInt8: Native<byte>(op, sources, target, count); break;
            case DataType.Int32: Native<int>(op, sources, target, count); break;
            case DataType.UInt32: Native<uint>(op, sources, target, count); break;
            case DataType.Int64: Native<long>(op, sources, target, count); break;
            case DataType.UInt64: Native<ulong>(op, sources, target, count); break;
            case DataType.Float32: Native<float>(op, sources, target, count); break;
            case DataType.Float64: Native<double>(op, sources, target, count); break;
            case DataType.Float16: Widened<Half, HalfWidening>(op, sources, target, count); break;
            case DataType.BFloat16: Widened<BFloat16, BFloat16Widening>(op, sources, target, count); break;
            case DataType.Float8E4M3: Widened<Float8E4M3, Float8E4M3Widening>(op, sources, target, count); break;
            case DataType.Float8E5M2: Widened<Float8E5M2, Float8E5M2Widening>(op, sources, target, count); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "No such element type.");
        }
    }

    /// <summary>Of an element of what <see cref="Begin"/> and <see cref="Fold"/> leave: narrow floats are carried on in float.</summary>
    internal static int AccumulatorBytes(DataType type) => type is DataType.Float16 or DataType.BFloat16 or DataType.Float8E4M3 or DataType.Float8E5M2 ? sizeof(float) : type.SizeInBytes();

    /// <summary>The first step of a fold that goes on elsewhere: Begin, Fold ..., Finish give the bits of <see cref="Reduce"/>.</summary>
    internal static void Begin(DataType type, nint input, nint accumulator, nuint count)
    {
        switch (type)
        {
            case DataType.Float16: Widen<Half, HalfWidening>(input, accumulator, count); break;
            case DataType.BFloat16: Widen<BFloat16, BFloat16Widening>(input, accumulator, count); break;
            case DataType.Float8E4M3: Widen<Float8E4M3, Float8E4M3Widening>(input, accumulator, count); break;
            case DataType.Float8E5M2: Widen<Float8E5M2, Float8E5M2Widening>(input, accumulator, count); break;
            default: Buffer.MemoryCopy((void*)input, (void*)accumulator, count * (nuint)type.SizeInBytes(), count * (nuint)type.SizeInBytes()); break;
        }
    }

    /// <summary><paramref name="result"/> = <paramref name="before"/> op <paramref name="input"/>; both in the accumulator's type.</summary>
    internal void Fold(DataType type, ReduceOp op, nint before, nint input, nint result, nuint count) => Continue(type, op, before, input, result, count, 0);

    /// <summary>As <see cref="Fold"/>, and the end of it: divided for an average over so many ranks, and narrowed. The result may lie where the input does.</summary>
    internal void Finish(DataType type, ReduceOp op, nint before, nint input, nint result, nuint count, int ranks) => Continue(type, op, before, input, result, count, ranks);

    private void Continue(DataType type, ReduceOp op, nint before, nint input, nint result, nuint count, int ranks)
    {
        switch (type)
        {
            case DataType.Int8: ContinueNative<sbyte>(op, before, input, result, count, ranks); break;
            case DataType.UInt8: ContinueNative<byte>(op, before, input, result, count, ranks); break;
            case DataType.Int32: ContinueNative<int>(op, before, input, result, count, ranks); break;
            case DataType.UInt32: ContinueNative<uint>(op, before, input, result, count, ranks); break;
            case DataType.Int64: ContinueNative<long>(op, before, input, result, count, ranks); break;
            case DataType.UInt64: ContinueNative<ulong>(op, before, input, result, count, ranks); break;
            case DataType.Float32: ContinueNative<float>(op, before, input, result, count, ranks); break;
            case DataType.Float64: ContinueNative<double>(op, before, input, result, count, ranks); break;
            case DataType.Float16: ContinueWidened<Half, HalfWidening>(op, before, input, result, count, ranks); break;
            case DataType.BFloat16: ContinueWidened<BFloat16, BFloat16Widening>(op, before, input, result, count, ranks); break;
            case DataType.Float8E4M3: ContinueWidened<Float8E4M3, Float8E4M3Widening>(op, before, input, result, count, ranks); break;
            case DataType.Float8E5M2: ContinueWidened<Float8E5M2, Float8E5M2Widening>(op, before, input, result, count, ranks); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "No such element type.");
        }
    }

    private static void ContinueNative<T>(ReduceOp op, nint before, nint input, nint result, nuint count, int ranks)
        where T : unmanaged, INumber<T>
    {
        for (nuint start = 0; start < count; start += MaxSpan)
        {
            int length = (int)Math.Min(MaxSpan, count - start);
            Span<T> target = new((T*)result + start, length);
            Combine<T>(op, new((T*)before + start, length), new((T*)input + start, length), target);
            if (ranks > 0 && op == ReduceOp.Average)
                TensorPrimitives.Divide(target, T.CreateChecked(ranks), target);
        }
    }

    private void ContinueWidened<T, TWidening>(ReduceOp op, nint before, nint input, nint result, nuint count, int ranks)
        where T : unmanaged
        where TWidening : IWidening<T>
    {
        const int Block = BlockBytes / sizeof(float);
        for (nuint start = 0; start < count; start += Block)
        {
            int length = (int)Math.Min(Block, count - start);
            Span<float> next = MemoryMarshal.Cast<byte, float>(_scratch.AsSpan()).Slice(Block, length);
            Span<float> target = ranks > 0 ? MemoryMarshal.Cast<byte, float>(_scratch.AsSpan())[..length] : new Span<float>((float*)result + start, length);
            TWidening.Widen(new((T*)input + start, length), next);
            Combine<float>(op, new((float*)before + start, length), next, target);
            if (ranks == 0)
                continue;
            if (op == ReduceOp.Average)
                TensorPrimitives.Divide(target, ranks, target);
            TWidening.Narrow(target, new((T*)result + start, length));
        }
    }

    private static void Widen<T, TWidening>(nint input, nint accumulator, nuint count)
        where T : unmanaged
        where TWidening : IWidening<T>
    {
        for (nuint start = 0; start < count; start += MaxSpan)
        {
            int length = (int)Math.Min(MaxSpan, count - start);
            TWidening.Widen(new((T*)input + start, length), new((float*)accumulator + start, length));
        }
    }

    private void Native<T>(ReduceOp op, ReadOnlySpan<nint> sources, nint target, nuint count)
        where T : unmanaged, INumber<T>
    {
        nuint block = (nuint)(BlockBytes / sizeof(T));
        for (nuint start = 0; start < count; start += block)
        {
            int length = (int)Math.Min(block, count - start);
            Span<T> result = new((T*)target + start, length);
            Span<T> accumulator = MemoryMarshal.Cast<byte, T>(_scratch.AsSpan())[..length];
            ReadOnlySpan<T> left = new((T*)sources[0] + start, length);
            for (int rank = 1; rank < sources.Length; rank++)
            {
                Span<T> sum = rank == sources.Length - 1 ? result : accumulator;
                Combine(op, left, new((T*)sources[rank] + start, length), sum);
                left = sum;
            }

            if (op == ReduceOp.Average)
                TensorPrimitives.Divide(result, T.CreateChecked(sources.Length), result);
        }
    }

    private void Widened<T, TWidening>(ReduceOp op, ReadOnlySpan<nint> sources, nint target, nuint count)
        where T : unmanaged
        where TWidening : IWidening<T>
    {
        const int Block = BlockBytes / sizeof(float);
        for (nuint start = 0; start < count; start += Block)
        {
            int length = (int)Math.Min(Block, count - start);
            Span<float> accumulator = MemoryMarshal.Cast<byte, float>(_scratch.AsSpan())[..length];
            Span<float> next = MemoryMarshal.Cast<byte, float>(_scratch.AsSpan()).Slice(Block, length);
            TWidening.Widen(new((T*)sources[0] + start, length), accumulator);
            for (int rank = 1; rank < sources.Length; rank++)
            {
                TWidening.Widen(new((T*)sources[rank] + start, length), next);
                Combine<float>(op, accumulator, next, accumulator);
            }

            if (op == ReduceOp.Average)
                TensorPrimitives.Divide(accumulator, sources.Length, accumulator);
            TWidening.Narrow(accumulator, new((T*)target + start, length));
        }
    }

    private static void Combine<T>(ReduceOp op, ReadOnlySpan<T> left, ReadOnlySpan<T> right, Span<T> result)
        where T : unmanaged, INumber<T>
    {
        switch (op)
        {
            case ReduceOp.Sum or ReduceOp.Average: TensorPrimitives.Add(left, right, result); break;
            case ReduceOp.Product: TensorPrimitives.Multiply(left, right, result); break;
            case ReduceOp.Min: TensorPrimitives.Min(left, right, result); break;
            case ReduceOp.Max: TensorPrimitives.Max(left, right, result); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "No such reduction.");
        }
    }

    private interface IWidening<T>
    {
        static abstract void Widen(ReadOnlySpan<T> source, Span<float> target);

        static abstract void Narrow(ReadOnlySpan<float> source, Span<T> target);
    }

    private readonly struct HalfWidening : IWidening<Half>
    {
        public static void Widen(ReadOnlySpan<Half> source, Span<float> target) => NumericConversions.ToSingle(source, target);

        public static void Narrow(ReadOnlySpan<float> source, Span<Half> target) => NumericConversions.FromSingle(source, target);
    }

    private readonly struct BFloat16Widening : IWidening<BFloat16>
    {
        public static void Widen(ReadOnlySpan<BFloat16> source, Span<float> target) => NumericConversions.ToSingle(source, target);

        public static void Narrow(ReadOnlySpan<float> source, Span<BFloat16> target) => NumericConversions.FromSingle(source, target);
    }

    private readonly struct Float8E4M3Widening : IWidening<Float8E4M3>
    {
        public static void Widen(ReadOnlySpan<Float8E4M3> source, Span<float> target) => NumericConversions.ToSingle(source, target);

        public static void Narrow(ReadOnlySpan<float> source, Span<Float8E4M3> target) => NumericConversions.FromSingle(source, target);
    }

    private readonly struct Float8E5M2Widening : IWidening<Float8E5M2>
    {
        public static void Widen(ReadOnlySpan<Float8E5M2> source, Span<float> target) => NumericConversions.ToSingle(source, target);

        public static void Narrow(ReadOnlySpan<float> source, Span<Float8E5M2> target) => NumericConversions.FromSingle(source, target);
    }
}
