using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>
/// Inputs whose reduced value can be told for each element without the others' buffers: small integers and powers of two from a hash of (seed, rank,
/// index), exact in float in any order of reduction. The idea is nccl-tests'.
/// </summary>
internal static class Pattern<T>
    where T : unmanaged
{
    private static readonly DataType s_type = DataTypeExtensions.Of<T>();

    internal static void Fill(Span<T> buffer, int seed, int rank, ReduceOp op)
    {
        uint state = Start(seed, rank);
        for (int i = 0; i < buffer.Length; i++)
            buffer[i] = FromDouble(Value(state, i, op));
    }

    /// <summary>How many elements are not what all ranks' inputs reduce to; <paramref name="first"/>: the index in the inputs that the result begins at.</summary>
    internal static long CountWrong(ReadOnlySpan<T> result, int seed, int ranks, ReduceOp op, int first)
    {
        Span<uint> states = stackalloc uint[ranks];
        for (int rank = 0; rank < ranks; rank++)
            states[rank] = Start(seed, rank);
        long wrong = 0;
        for (int i = 0; i < result.Length; i++)
        {
            double value = Value(states[0], first + i, op);
            for (int rank = 1; rank < ranks; rank++)
            {
                double next = Value(states[rank], first + i, op);
                value = op switch
                {
                    ReduceOp.Product => value * next,
                    ReduceOp.Max => Math.Max(value, next),
                    ReduceOp.Min => Math.Min(value, next),
                    _ => value + next,
                };
            }

            T expected = op == ReduceOp.Average ? Average(value, ranks) : FromDouble(value);
            if (!EqualityComparer<T>.Default.Equals(expected, result[i]))
                wrong++;
        }

        return wrong;
    }

    /// <summary>How many elements are not those of <paramref name="rank"/>'s input from index <paramref name="first"/> on.</summary>
    internal static long CountWrongCopy(ReadOnlySpan<T> result, int seed, int rank, ReduceOp op, int first)
    {
        uint state = Start(seed, rank);
        long wrong = 0;
        for (int i = 0; i < result.Length; i++)
        {
            if (!EqualityComparer<T>.Default.Equals(FromDouble(Value(state, first + i, op)), result[i]))
                wrong++;
        }

        return wrong;
    }

    private static uint Start(int seed, int rank) => unchecked((uint)(((seed * 668265263) + rank + 1) * 374761393));

    private static double Value(uint state, int index, ReduceOp op)
    {
        uint hash = unchecked(((uint)index * 0x9E3779B1u) ^ state);
        hash = unchecked((hash ^ (hash >> 15)) * 0x85EBCA77u);
        hash ^= hash >> 13;
        return op == ReduceOp.Product
            ? (hash & 15) switch { 0 => 2, 1 when !IsUnsigned => -1, _ => 1 }
            : (int)(hash & 7) - (IsUnsigned ? 0 : 4);
    }

    private static bool IsUnsigned => s_type is DataType.UInt8 or DataType.UInt32 or DataType.UInt64;

    /// <summary>Integers wrap as the reduction does; every value here is far below 2^53.</summary>
    private static T FromDouble(double value)
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
