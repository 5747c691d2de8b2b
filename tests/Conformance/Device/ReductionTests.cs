using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Floats whose sums round: near the true value, the same bits on every rank and in every run.</summary>
public sealed class ReductionTests
{
    private static readonly int[] s_counts = [1, 333, 20_000, 300_001];
    private static readonly ReduceOp[] s_operations = [ReduceOp.Sum, ReduceOp.Average, ReduceOp.Product, ReduceOp.Min];

    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void Random_floats_come_near_the_true_result_with_the_same_bits_everywhere(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        Check<double>(rank);
        Check<float>(rank);
        Check<Half>(rank);
        Check<BFloat16>(rank);
        Check<Float8E4M3>(rank);
        Check<Float8E5M2>(rank);
    });

    private static void Check<T>(DeviceRank rank)
        where T : unmanaged
    {
        if (!rank.Moves(DataTypeExtensions.Of<T>()))
            return;
        Element<T> element = Elements.Of<T>();
        foreach (int count in rank.IsBrief ? s_counts[..2] : s_counts)
        {
            T[][] inputs = [.. Enumerable.Range(0, rank.Size).Select(of => Random(element, count, of))];
            using DeviceBuffer<T> input = rank.Buffer<T>(inputs[rank.Rank]), output = rank.Device.Allocate<T>((nuint)count);
            rank.Meet();
            foreach (ReduceOp op in s_operations)
            {
                T[] first = Reduce(op);
                byte[] digests = new byte[32 * rank.Size];
                rank.Group.AllGather<byte>(SHA256.HashData(MemoryMarshal.AsBytes<T>(first)), digests);
                for (int other = 1; other < rank.Size; other++)
                    Assert.True(digests.AsSpan(0, 32).SequenceEqual(digests.AsSpan(32 * other, 32)), $"{op} of {count} × {typeof(T).Name}: ranks 0 and {other} have different bits");
                Assert.True(MemoryMarshal.AsBytes<T>(first).SequenceEqual(MemoryMarshal.AsBytes<T>(Reduce(op))), $"{op} of {count} × {typeof(T).Name}: another result at the second run");
                for (int i = 0; i < count; i++)
                {
                    (double expected, double tolerance) = True(element, inputs, i, op);
                    double found = element.ToDouble(first[i]);
                    if (!(Math.Abs(found - expected) <= tolerance))
                        Assert.Fail($"{op} of {count} × {typeof(T).Name}, {rank.Size} ranks: element {i} is {found}, expected {expected} within {tolerance}.");
                }

                T[] Reduce(ReduceOp operation)
                {
                    rank.Group.AllReduce(input.Span, output.Span, operation, rank.Stream);
                    rank.Meet();
                    T[] result = output.ToArray();
                    rank.Group.Barrier();
                    return result;
                }
            }
        }
    }

    /// <summary>From 1/2 to 1, either sign: products of eight stay within every type.</summary>
    private static T[] Random<T>(Element<T> element, int count, int rank)
        where T : unmanaged
    {
        Random random = new(unchecked((World.Seed * 31) + rank));
        T[] period = [.. Enumerable.Range(0, DeviceInputs<T>.Period).Select(_ => element.From((0.5 + (random.NextDouble() / 2)) * (random.Next(2) == 0 ? -1 : 1)))];
        T[] values = new T[count];
        for (int i = 0; i < count; i++)
            values[i] = period[i % period.Length];
        return values;
    }

    /// <summary>Each of the steps may round once, and the scale of an average twice; the magnitudes of what is added up bound what a rounding is of.</summary>
    private static (double Value, double Tolerance) True<T>(Element<T> element, T[][] inputs, int index, ReduceOp op)
        where T : unmanaged
    {
        double value = element.ToDouble(inputs[0][index]), magnitude = Math.Abs(value);
        for (int rank = 1; rank < inputs.Length; rank++)
        {
            double next = element.ToDouble(inputs[rank][index]);
            value = op switch { ReduceOp.Product => value * next, ReduceOp.Min => Math.Min(value, next), _ => value + next };
            magnitude += Math.Abs(next);
        }

        double rounding = Tolerance.Of<T>();
        return inputs.Length == 1 ? (value, 0) : op switch
        {
            ReduceOp.Min => (value, 0),
            ReduceOp.Sum => (value, inputs.Length * rounding * magnitude),
            ReduceOp.Average => (value / inputs.Length, (inputs.Length + 3) * rounding * magnitude / inputs.Length),

            // Below the smallest normal number a narrow type has steps of its own.
            _ => (value, (inputs.Length * rounding * Math.Abs(value)) + (DataTypeExtensions.Of<T>().SizeInBytes() == 1 ? 1.0 / 512 : 0)),
        };
    }
}
