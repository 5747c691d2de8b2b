using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Numerics;

/// <summary>Each narrow type against definitions that share no code with it: the format's formula, and the nearest neighbour in the list of its values.</summary>
public sealed class ConversionTests
{
    private const int Seed = 4711;

    private static readonly Format[] s_formats =
    [
        new("bfloat16", 16, 8, 7, HasInfinities: true, Saturates: false, value => ((BFloat16)value).ToBits(), code => BFloat16.FromBits((ushort)code), Bulk<BFloat16>(NumericConversions.FromSingle, value => value.ToBits()), BulkBack<BFloat16>(NumericConversions.ToSingle, code => BFloat16.FromBits((ushort)code))),
        new("half", 16, 5, 10, HasInfinities: true, Saturates: false, value => BitConverter.HalfToUInt16Bits((Half)value), code => (float)BitConverter.UInt16BitsToHalf((ushort)code), Bulk<Half>(NumericConversions.FromSingle, value => BitConverter.HalfToUInt16Bits(value)), BulkBack<Half>(NumericConversions.ToSingle, code => BitConverter.UInt16BitsToHalf((ushort)code))),
        new("e4m3", 8, 4, 3, HasInfinities: false, Saturates: true, value => ((Float8E4M3)value).ToBits(), code => Float8E4M3.FromBits((byte)code), Bulk<Float8E4M3>(NumericConversions.FromSingle, value => value.ToBits()), BulkBack<Float8E4M3>(NumericConversions.ToSingle, code => Float8E4M3.FromBits((byte)code))),
        new("e5m2", 8, 5, 2, HasInfinities: true, Saturates: true, value => ((Float8E5M2)value).ToBits(), code => Float8E5M2.FromBits((byte)code), Bulk<Float8E5M2>(NumericConversions.FromSingle, value => value.ToBits()), BulkBack<Float8E5M2>(NumericConversions.ToSingle, code => Float8E5M2.FromBits((byte)code))),
    ];

    public static TheoryData<int> Formats => [0, 1, 2, 3];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_code_decodes_by_the_formats_formula_and_encodes_back_to_itself(int index)
    {
        Format format = s_formats[index];
        for (int code = 0; code < 1 << format.Bits; code++)
        {
            float expected = format.Formula(code), actual = format.Decode(code);
            Assert.True(Same(expected, actual), $"{format.Name} {code:x}: {actual}, expected {expected}");
            if (float.IsNaN(expected))
                Assert.True(float.IsNaN(format.Decode(format.Encode(actual))), $"{format.Name} {code:x}: NaN was lost");
            else if (!format.Saturates || float.IsFinite(expected))
                Assert.Equal(code, format.Encode(actual));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_float_becomes_its_nearest_neighbour_and_the_even_one_of_two(int index)
    {
        Format format = s_formats[index];
        float[] values = [.. Enumerable.Range(0, 1 << (format.Bits - 1)).Select(format.Formula).TakeWhile(float.IsFinite)];
        int infinite = format.Saturates ? values.Length - 1 : values.Length;
        for (int code = 0; code < values.Length; code++)
        {
            // Halfway to the next value (or to what would be the next): its neighbours on both sides, and the tie itself.
            double next = code + 1 < values.Length ? values[code + 1] : values[code] + ((double)values[code] - values[code - 1]);
            int above = code + 1 < values.Length ? code + 1 : infinite;
            float middle = (float)((values[code] + next) / 2);
            Check(values[code], code);
            Check(MathF.BitDecrement(middle), code);
            Check(middle, (code & 1) == 0 || above == code ? code : above);
            Check(MathF.BitIncrement(middle), above);
        }

        Check(float.PositiveInfinity, infinite);
        Check(float.MaxValue, infinite);

        void Check(float value, int expected)
        {
            Assert.True(format.Encode(value) == expected, $"{format.Name}: {value:r} became {format.Encode(value):x}, expected {expected:x}");
            int negative = expected | (1 << (format.Bits - 1));
            Assert.True(format.Encode(-value) == negative, $"{format.Name}: {-value:r} became {format.Encode(-value):x}, expected {negative:x}");
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Spans_convert_as_single_values_do_at_any_length_and_alignment(int index)
    {
        Format format = s_formats[index];
        Random random = new(Seed);
        float[] floats = new float[300_000];
        for (int i = 0; i < floats.Length; i++)
        {
            uint bits = (uint)random.NextInt64(1L << 32);

            // Half of them in the range where the format has its values.
            floats[i] = random.Next(2) == 0 ? BitConverter.UInt32BitsToSingle(bits) : (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-30, 20)));
        }

        for (int start = 0; start < floats.Length;)
        {
            int length = Math.Min(random.Next(70), floats.Length - start);
            float[] part = floats[start..(start + length)];
            int[] codes = format.BulkEncode(part, random.Next(4));
            for (int i = 0; i < length; i++)
            {
                int expected = format.Encode(part[i]);
                bool same = codes[i] == expected || (float.IsNaN(part[i]) && float.IsNaN(format.Decode(codes[i])));
                Assert.True(same, $"{format.Name}, seed {Seed}: {part[i]:r} became {codes[i]:x}, expected {expected:x}");
            }

            start += Math.Max(length, 1);
        }

        int[] all = [.. Enumerable.Range(0, 1 << format.Bits)];
        float[] decoded = format.BulkDecode(all, 1);
        Assert.All(all, code => Assert.True(Same(format.Decode(code), decoded[code]), $"{format.Name} {code:x}: {decoded[code]}"));
    }

    [Fact]
    public void A_double_becomes_a_bfloat16_by_one_rounding()
    {
        // Just above a tie, by less than a float can tell.
        double tie = 1 + Math.Pow(2, -8);
        Assert.Equal(0x3F80, ((BFloat16)tie).ToBits());
        Assert.Equal(0x3F81, ((BFloat16)(tie + Math.Pow(2, -40))).ToBits());
        Assert.Equal(0x3F80, ((BFloat16)(tie - Math.Pow(2, -40))).ToBits());
        Assert.Equal(0xBF81, ((BFloat16)(-tie - Math.Pow(2, -40))).ToBits());
        Assert.True(BFloat16.IsInfinity((BFloat16)1e300));
        Assert.True(BFloat16.IsNaN((BFloat16)double.NaN));
    }

    [Fact]
    public void NaN_compares_as_IEEE_says()
    {
        BFloat16 nan = BFloat16.NaN;
        Assert.False(nan == BFloat16.NaN);
        Assert.True(nan != BFloat16.One && !(nan < BFloat16.One) && !(nan >= BFloat16.One));
        Assert.True(nan.Equals(BFloat16.NaN));
        Assert.True(BFloat16.Zero == BFloat16.FromBits(0x8000));
        Assert.True(Float8E4M3.NaN != Float8E4M3.One && Float8E4M3.IsNaN(Float8E4M3.NaN) && !Float8E4M3.IsFinite(Float8E4M3.NaN));
    }

    [Fact]
    public void Spans_of_different_length_are_refused() =>
        Assert.Throws<ArgumentException>(() => NumericConversions.ToSingle(new BFloat16[3], new float[2]));

    private static bool Same(float left, float right) =>
        BitConverter.SingleToInt32Bits(left) == BitConverter.SingleToInt32Bits(right) || (float.IsNaN(left) && float.IsNaN(right));

    private delegate void Encoder<T>(ReadOnlySpan<float> source, Span<T> destination);

    private delegate void Decoder<T>(ReadOnlySpan<T> source, Span<float> destination);

    private static Func<float[], int, int[]> Bulk<T>(Encoder<T> encode, Func<T, int> bits) => (source, offset) =>
    {
        T[] target = new T[source.Length + offset];
        encode(source, target.AsSpan(offset));
        return [.. target.Skip(offset).Select(bits)];
    };

    private static Func<int[], int, float[]> BulkBack<T>(Decoder<T> decode, Func<int, T> value) => (codes, offset) =>
    {
        T[] source = [.. Enumerable.Repeat(default(T)!, offset), .. codes.Select(value)];
        float[] target = new float[codes.Length];
        decode(source.AsSpan(offset), target);
        return target;
    };

    private sealed record Format(string Name, int Bits, int ExponentBits, int MantissaBits, bool HasInfinities, bool Saturates, Func<float, int> Encode, Func<int, float> Decode, Func<float[], int, int[]> BulkEncode, Func<int[], int, float[]> BulkDecode)
    {
        internal float Formula(int code)
        {
            int exponent = (code >> MantissaBits) & ((1 << ExponentBits) - 1), fraction = code & ((1 << MantissaBits) - 1), largest = (1 << ExponentBits) - 1;
            int bias = (1 << (ExponentBits - 1)) - 1;
            double sign = code >> (Bits - 1) == 0 ? 1 : -1;
            if (exponent == largest && HasInfinities)
                return fraction == 0 ? (float)(sign * double.PositiveInfinity) : float.NaN;
            if (exponent == largest && fraction == (1 << MantissaBits) - 1)
                return float.NaN;
            double value = exponent == 0 ? fraction * Math.Pow(2, 1 - bias - MantissaBits) : ((1 << MantissaBits) + fraction) * Math.Pow(2, exponent - bias - MantissaBits);
            return (float)(sign * value);
        }
    }
}
