using System.Runtime.Intrinsics;

namespace CollectivesSharp.Interop;

/// <summary>Encodes and decodes one of the 8-bit formats.</summary>
internal sealed class Float8Codec
{
    private readonly int _mantissaBits;
    private readonly int _bias;
    private readonly byte _maxCode;
    private readonly float _maxValue;
    private readonly float[] _values = new float[256];

    private Float8Codec(int mantissaBits, int bias, byte maxCode, Func<int, bool> isNaN, Func<int, bool> isInfinity)
    {
        _mantissaBits = mantissaBits;
        _bias = bias;
        _maxCode = maxCode;
        for (int code = 0; code < 128; code++)
        {
            int exponent = code >> mantissaBits, fraction = code & ((1 << mantissaBits) - 1);
            float value = isNaN(code) ? float.NaN
                : isInfinity(code) ? float.PositiveInfinity
                : exponent == 0 ? MathF.ScaleB(fraction, 1 - bias - mantissaBits)
                : MathF.ScaleB(fraction + (1 << mantissaBits), exponent - bias - mantissaBits);
            _values[code] = value;
            _values[code + 128] = -value;
        }

        _maxValue = _values[maxCode];
    }

    internal static Float8Codec E4M3 { get; } = new(3, 7, 0x7E, code => code == 0x7F, _ => false);

    internal static Float8Codec E5M2 { get; } = new(2, 15, 0x7B, code => code > 0x7C, code => code == 0x7C);

    /// <summary>By code.</summary>
    internal ReadOnlySpan<float> Values => _values;

    internal float Decode(byte code) => _values[code];

    internal byte Encode(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint sign = (bits >> 24) & 0x80;
        uint magnitude = bits & 0x7FFF_FFFF;
        if (magnitude > 0x7F80_0000)
            return (byte)(sign | 0x7F);
        float absolute = BitConverter.UInt32BitsToSingle(magnitude);
        if (absolute >= _maxValue)
            return (byte)(sign | _maxCode);

        int smallestNormal = 1 - _bias;
        if (absolute < MathF.ScaleB(1, smallestNormal))
        {
            // Counts of the smallest step; the largest count is the code of the smallest normal value.
            return (byte)(sign | (uint)MathF.Round(MathF.ScaleB(absolute, _mantissaBits - smallestNormal), MidpointRounding.ToEven));
        }

        int dropped = 23 - _mantissaBits;
        uint rounded = magnitude + (1u << (dropped - 1)) - 1 + ((magnitude >> dropped) & 1);
        uint code = (rounded >> dropped) - (uint)((127 - _bias) << _mantissaBits);
        return (byte)(sign | Math.Min(code, _maxCode));
    }

    /// <summary>The codes of eight values, one in each element.</summary>
    internal Vector256<uint> Encode(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> sign = (bits >>> 24) & Vector256.Create(0x80u);
        Vector256<uint> magnitude = bits & Vector256.Create(0x7FFF_FFFFu);
        int dropped = 23 - _mantissaBits;
        Vector256<uint> rounded = magnitude + Vector256.Create((1u << (dropped - 1)) - 1) + ((magnitude >>> dropped) & Vector256<uint>.One);
        Vector256<uint> normal = (rounded >>> dropped) - Vector256.Create((uint)((127 - _bias) << _mantissaBits));
        normal = Vector256.Min(normal, Vector256.Create((uint)_maxCode));

        // Adding a number whose last place is the format's smallest step makes the adder round; the last places are the code.
        uint anchor = (uint)(127 + 23 + 1 - _bias - _mantissaBits) << 23;
        Vector256<uint> subnormal = (magnitude.AsSingle() + Vector256.Create(anchor).AsSingle()).AsUInt32() - Vector256.Create(anchor);
        Vector256<uint> code = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create((uint)(127 + 1 - _bias) << 23)), subnormal, normal);
        return sign | Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, Vector256.Create(0x7F80_0000u)), Vector256.Create(0x7Fu), code);
    }
}
