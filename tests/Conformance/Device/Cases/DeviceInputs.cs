using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// What the ranks put in. Copies get every bit pattern; reductions get values whose result is the same bits in whatever order and precision they are combined: integers of any value (they wrap), floats that are
/// small whole numbers.
/// </summary>
internal sealed class DeviceInputs<T>(int ranks)
    where T : unmanaged
{
    /// <summary>A prime: a chunk in the wrong place does not look right by chance.</summary>
    internal const int Period = 4093;

    private static readonly DataType s_type = DataTypeExtensions.Of<T>();
    private readonly Element<T> _element = Elements.Of<T>();

    /// <summary>Whether NCCL divides an average of this type without rounding: it multiplies by the reciprocal first.</summary>
    internal bool IsExact(DeviceCase test) => test.Test.Op != ReduceOp.Average || !s_type.IsFloatingPoint() || int.IsPow2(ranks);

    /// <summary>Of an average that is not exact: each of a rank's steps rounds, and the parts' magnitudes make 9 at most, those of narrow types 1.</summary>
    internal double AverageTolerance => (ranks + 2) * Tolerance.Of<T>() * (IsNarrow ? 1 : 9);

    internal T[] Make(DeviceCase test, int rank, int length, int round)
    {
        T[] values = new T[length];
        int period = Math.Min(Period, length);
        Random random = new(unchecked((((test.Test.Seed * 31) + rank) * 31) + round));
        if (!DeviceCaseGenerator.Reduces(test.Test.Collective) || ranks == 1 || (!s_type.IsFloatingPoint() && test.Test.Op != ReduceOp.Average))
            random.NextBytes(MemoryMarshal.AsBytes(values.AsSpan(0, period)));
        else
        {
            for (int i = 0; i < period; i++)
                values[i] = _element.From(Value(test, rank, random));
        }

        for (int done = period; done < length; done += period)
            values.AsSpan(0, Math.Min(period, length - done)).CopyTo(values.AsSpan(done));
        return values;
    }

    /// <summary>Of a premultiplied sum.</summary>
    internal T Scalar(int rank) => _element.From(IsNarrow ? rank switch { 0 => 2, 1 => -1, < 7 => 1, _ => 0 } : rank + 2);

    internal T[] Scaled(T[] input, int rank)
    {
        T[] scalar = [Scalar(rank), default];
        return [.. input.Select(value =>
        {
            scalar[1] = value;
            return _element.Reduce(scalar, ReduceOp.Product);
        })];
    }

    /// <summary>Three or four significant bits.</summary>
    private static bool IsNarrow => s_type is DataType.Float8E4M3 or DataType.Float8E5M2;

    private double Value(DeviceCase test, int rank, Random random) => test.Test.Op switch
    {
        // No rank's zero meets another's minus one: the sign of a zero would depend on nothing that matters.
        ReduceOp.Product => (random.Next(2) == 0 ? -1 : 1) * (rank < 4 ? random.Next(1, 3) : 1),
        ReduceOp.Min or ReduceOp.Max => (random.Next(2) == 0 ? -1 : 1) * random.Next(1, 200),
        ReduceOp.Average when !s_type.IsFloatingPoint() => ranks * random.Next(s_type is DataType.Int8 or DataType.Int32 or DataType.Int64 ? -1 : 0, 2),
        _ when IsNarrow => rank < 8 ? random.Next(-1, 2) : 0,
        _ when test.Scaled => random.Next(-3, 4),
        _ => random.Next(-9, 10),
    };
}
