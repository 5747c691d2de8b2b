using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>
/// Inputs whose reduced value can be told for each element without the others' buffers: small integers from a hash of (seed, rank, index), exact in every type in any
/// order of reduction. At most eight ranks give more than the neutral element to one sum, so that fp8 holds it. The idea is nccl-tests'. Kernels/pattern.cu is the same on a device.
/// </summary>
internal static class Pattern<T>
    where T : unmanaged
{
    private static readonly DataType s_type = DataTypeExtensions.Of<T>();

    internal static void Fill(Span<T> buffer, int seed, int rank, int ranks, Operation op)
    {
        uint state = Start(seed, rank);
        for (int i = 0; i < buffer.Length; i++)
            buffer[i] = FromDouble(Value(state, i, op, rank, ranks));
    }

    /// <summary>How many elements are not what all ranks' inputs reduce to; <paramref name="first"/>: the index in the inputs that the result begins at.</summary>
    internal static long CountWrong(ReadOnlySpan<T> result, int seed, int ranks, Operation op, long first)
    {
        Span<uint> states = stackalloc uint[ranks];
        for (int rank = 0; rank < ranks; rank++)
            states[rank] = Start(seed, rank);
        long wrong = 0;
        for (int i = 0; i < result.Length; i++)
        {
            double value = Value(states[0], first + i, op, 0, ranks);
            for (int rank = 1; rank < ranks; rank++)
            {
                double next = Value(states[rank], first + i, op, rank, ranks);
                value = op switch
                {
                    Operation.Product => value * next,
                    Operation.Max => Math.Max(value, next),
                    Operation.Min => Math.Min(value, next),
                    _ => value + next,
                };
            }

            T expected = op == Operation.Average ? Average(value, ranks) : FromDouble(value);
            if (!EqualityComparer<T>.Default.Equals(expected, result[i]))
                wrong++;
        }

        return wrong;
    }

    /// <summary>How many elements are not those of <paramref name="rank"/>'s input from index <paramref name="first"/> on.</summary>
    internal static long CountWrongCopy(ReadOnlySpan<T> result, int seed, int rank, int ranks, Operation op, long first)
    {
        uint state = Start(seed, rank);
        long wrong = 0;
        for (int i = 0; i < result.Length; i++)
        {
            if (!EqualityComparer<T>.Default.Equals(FromDouble(Value(state, first + i, op, rank, ranks)), result[i]))
                wrong++;
        }

        return wrong;
    }

    /// <summary>Integers wrap as the reduction does; every value here is far below 2^53.</summary>
    internal static T FromDouble(double value)
    {
        if (typeof(T) == typeof(float)) return (T)(object)(float)value;
        if (typeof(T) == typeof(double)) return (T)(object)value;
        if (typeof(T) == typeof(Half)) return (T)(object)(Half)(float)value;
        if (typeof(T) == typeof(BFloat16)) return (T)(object)(BFloat16)(float)value;
        if (typeof(T) == typeof(Float8E4M3)) return (T)(object)(Float8E4M3)(float)value;
        if (typeof(T) == typeof(Float8E5M2)) return (T)(object)(Float8E5M2)(float)value;
        long integer = (long)value;
        if (typeof(T) == typeof(sbyte)) return (T)(object)unchecked((sbyte)integer);
        if (typeof(T) == typeof(byte)) return (T)(object)unchecked((byte)integer);
        if (typeof(T) == typeof(int)) return (T)(object)unchecked((int)integer);
        if (typeof(T) == typeof(uint)) return (T)(object)unchecked((uint)integer);
        if (typeof(T) == typeof(long)) return (T)(object)integer;
        if (typeof(T) == typeof(ulong)) return (T)(object)unchecked((ulong)integer);
        throw new NotSupportedException(typeof(T).Name);
    }

    private static uint Start(int seed, int rank) => unchecked((uint)(((seed * 668265263) + rank + 1) * 374761393));

    private static int Value(uint state, long index, Operation op, int rank, int ranks)
    {
        uint hash = unchecked(((uint)index * 0x9E3779B1u) ^ ((uint)(index >> 32) * 0x27D4EB2Fu) ^ state);
        hash = unchecked((hash ^ (hash >> 15)) * 0x85EBCA77u);
        hash ^= hash >> 13;
        int low = IsUnsigned ? 0 : 1;
        if (op is Operation.Max or Operation.Min)
            return (int)(hash & 7) - (4 * low);
        int window = op == Operation.MulSum ? 4 : 8;
        if (ranks > window && (int)((index + rank) % ranks) >= window)
            return op == Operation.Product ? 1 : 0;
        if (op == Operation.Product)
            return (hash & 15) switch { 0 => 2, 1 when !IsUnsigned => -1, _ => 1 };

        // NCCL averages floats by multiplying each input by 1/ranks first: exact if that is a power of two. Integers it divides at the end: exact for a multiple.
        if (op == Operation.Average)
            return ((int)(hash % (IsUnsigned ? 2u : 3u)) - low) * (s_type.IsFloatingPoint() && int.IsPow2(ranks) ? 1 : ranks);
        return IsFloat8 ? (int)(hash % 3) - 1 : (int)(hash & 7) - (4 * low);
    }

    private static bool IsUnsigned => s_type is DataType.UInt8 or DataType.UInt32 or DataType.UInt64;

    private static bool IsFloat8 => s_type is DataType.Float8E4M3 or DataType.Float8E5M2;

    /// <summary>Narrow floats divide in float, as the reduction does; integers wrap first and truncate.</summary>
    private static T Average(double sum, int ranks)
    {
        if (typeof(T) == typeof(double))
            return FromDouble(sum / ranks);
        if (s_type.IsFloatingPoint())
            return FromDouble((float)sum / ranks);
        double wrapped = s_type switch
        {
            DataType.Int8 => unchecked((sbyte)(long)sum),
            DataType.UInt8 => unchecked((byte)(long)sum),
            _ => sum,
        };
        return FromDouble(Math.Truncate(wrapped / ranks));
    }
}
