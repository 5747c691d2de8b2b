using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance;

/// <summary>What the tests need to know of an element type, written without the code under test.</summary>
public abstract class Element<T>
    where T : unmanaged
{
    public abstract T Random(Random random);

    /// <summary>The scalar definition: fold in rank order, narrow floats in float with one rounding at the end.</summary>
    public abstract T Reduce(ReadOnlySpan<T> inputs, ReduceOp op);

    /// <summary>The same bits, or both NaN: a reduction may change a NaN's payload.</summary>
    public abstract bool Same(T left, T right);

    /// <summary>Where the first element lies that is not the same; where there is none, the end. Equal bytes are passed over at once.</summary>
    public int FirstDifference(ReadOnlySpan<T> actual, ReadOnlySpan<T> expected)
    {
        int at = 0;
        while ((at += EqualBits(actual[at..], expected[at..])) < expected.Length && Same(actual[at], expected[at]))
            at++;
        return at;
    }

    /// <summary>How many elements from the beginning have the same bits.</summary>
    internal static int EqualBits(ReadOnlySpan<T> left, ReadOnlySpan<T> right) => MemoryMarshal.AsBytes(left).CommonPrefixLength(MemoryMarshal.AsBytes(right)) / Unsafe.SizeOf<T>();

    /// <summary>The nearest value; an integer wraps.</summary>
    public abstract T From(double value);

    public abstract double ToDouble(T value);
}

internal sealed class IntegerElement<T> : Element<T>
    where T : unmanaged, System.Numerics.IBinaryInteger<T>, System.Numerics.IMinMaxValue<T>
{
    public override T Random(Random random) => random.Next(8) switch
    {
        0 => T.MinValue,
        1 => T.MaxValue,
        2 => T.Zero,
        _ => T.CreateTruncating(random.NextInt64()),
    };

    public override T Reduce(ReadOnlySpan<T> inputs, ReduceOp op)
    {
        T value = inputs[0];
        foreach (T next in inputs[1..])
        {
            value = op switch
            {
                ReduceOp.Sum or ReduceOp.Average => unchecked(value + next),
                ReduceOp.Product => unchecked(value * next),
                ReduceOp.Min => next < value ? next : value,
                _ => next > value ? next : value,
            };
        }

        return op == ReduceOp.Average ? value / T.CreateChecked(inputs.Length) : value;
    }

    public override bool Same(T left, T right) => left == right;

    public override T From(double value) => T.CreateTruncating((long)value);

    public override double ToDouble(T value) => double.CreateChecked(value);
}

internal sealed class FloatElement<T>(Func<T, double> widen, Func<double, T> narrow, bool accumulateInFloat) : Element<T>
    where T : unmanaged
{
    public override T Random(Random random) => narrow(random.Next(64) switch
    {
        0 => 0.0,
        1 => -0.0,
        2 => double.PositiveInfinity,
        3 => double.NegativeInfinity,
        4 => double.NaN,
        5 => 1e-40,
        _ => (random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-6, 7)),
    });

    public override T Reduce(ReadOnlySpan<T> inputs, ReduceOp op)
    {
        double value = widen(inputs[0]);
        foreach (T input in inputs[1..])
            value = accumulateInFloat ? Float((float)value, (float)widen(input), op) : Double(value, widen(input), op);
        if (op == ReduceOp.Average)
            value = accumulateInFloat ? (float)value / inputs.Length : value / inputs.Length;
        return narrow(value);
    }

    public override bool Same(T left, T right)
    {
        double l = widen(left), r = widen(right);
        return BitConverter.DoubleToInt64Bits(l) == BitConverter.DoubleToInt64Bits(r) || (double.IsNaN(l) && double.IsNaN(r));
    }

    public override T From(double value) => narrow(value);

    public override double ToDouble(T value) => widen(value);

    private static float Float(float left, float right, ReduceOp op) => op switch
    {
        ReduceOp.Sum or ReduceOp.Average => left + right,
        ReduceOp.Product => left * right,
        ReduceOp.Min => MathF.Min(left, right),
        _ => MathF.Max(left, right),
    };

    private static double Double(double left, double right, ReduceOp op) => op switch
    {
        ReduceOp.Sum or ReduceOp.Average => left + right,
        ReduceOp.Product => left * right,
        ReduceOp.Min => Math.Min(left, right),
        _ => Math.Max(left, right),
    };
}

internal static class Elements
{
    internal static Element<T> Of<T>()
        where T : unmanaged
        => (Element<T>)(object)(DataTypeExtensions.Of<T>() switch
        {
            DataType.Int8 => new IntegerElement<sbyte>(),
            DataType.UInt8 => new IntegerElement<byte>(),
            DataType.Int32 => new IntegerElement<int>(),
            DataType.UInt32 => new IntegerElement<uint>(),
            DataType.Int64 => new IntegerElement<long>(),
            DataType.UInt64 => new IntegerElement<ulong>(),
            DataType.Float16 => new FloatElement<Half>(value => (double)value, value => (Half)(float)value, accumulateInFloat: true),
            DataType.Float32 => new FloatElement<float>(value => value, value => (float)value, accumulateInFloat: true),
            DataType.Float64 => new FloatElement<double>(value => value, value => value, accumulateInFloat: false),
            DataType.BFloat16 => new FloatElement<BFloat16>(value => (float)value, value => (BFloat16)(float)value, accumulateInFloat: true),
            DataType.Float8E4M3 => new FloatElement<Float8E4M3>(value => (float)value, value => (Float8E4M3)(float)value, accumulateInFloat: true),
            DataType.Float8E5M2 => new FloatElement<Float8E5M2>(value => (float)value, value => (Float8E5M2)(float)value, accumulateInFloat: true),
            _ => throw new NotSupportedException(typeof(T).Name),
        });
}
