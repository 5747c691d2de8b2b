using System.Globalization;

namespace CollectivesSharp.Interop;

/// <summary>
/// OCP's FP8 E5M2: 5 bits of exponent, 2 of fraction, with infinities. Conversion rounds to the nearest, ties to even, and saturates: what is too large, infinities included,
/// becomes the largest finite value, as CUDA's satfinite conversions do. A NaN stays one.
/// </summary>
public readonly struct Float8E5M2 : IEquatable<Float8E5M2>, IComparable<Float8E5M2>, IFormattable
{
    private readonly byte _bits;

    private Float8E5M2(byte bits) => _bits = bits;

    public static Float8E5M2 Zero => default;

    public static Float8E5M2 One => new(0x3C);

    /// <summary>The smallest positive value, subnormal: 2^-16.</summary>
    public static Float8E5M2 Epsilon => new(0x01);

    /// <summary>57344.</summary>
    public static Float8E5M2 MaxValue => new(0x7B);

    public static Float8E5M2 MinValue => new(0x7B | 0x80);

    public static Float8E5M2 NaN => new(0x7F);

    public static Float8E5M2 FromBits(byte bits) => new(bits);

    public byte ToBits() => _bits;

    public static implicit operator float(Float8E5M2 value) => Float8Codec.E5M2.Decode(value._bits);

    public static explicit operator Float8E5M2(float value) => new(Float8Codec.E5M2.Encode(value));

    public static bool IsNaN(Float8E5M2 value) => float.IsNaN(value);

    public static bool IsFinite(Float8E5M2 value) => float.IsFinite(value);

    public static bool operator ==(Float8E5M2 left, Float8E5M2 right) => (float)left == right;

    public static bool operator !=(Float8E5M2 left, Float8E5M2 right) => (float)left != right;

    public static bool operator <(Float8E5M2 left, Float8E5M2 right) => (float)left < right;

    public static bool operator >(Float8E5M2 left, Float8E5M2 right) => (float)left > right;

    public static bool operator <=(Float8E5M2 left, Float8E5M2 right) => (float)left <= right;

    public static bool operator >=(Float8E5M2 left, Float8E5M2 right) => (float)left >= right;

    /// <summary>As float's: unlike ==, NaN equals NaN.</summary>
    public bool Equals(Float8E5M2 other) => ((float)this).Equals(other);

    public override bool Equals(object? obj) => obj is Float8E5M2 other && Equals(other);

    public override int GetHashCode() => ((float)this).GetHashCode();

    public int CompareTo(Float8E5M2 other) => ((float)this).CompareTo(other);

    public override string ToString() => ToString(null, CultureInfo.CurrentCulture);

    public string ToString(string? format, IFormatProvider? formatProvider) => ((float)this).ToString(format, formatProvider);
}
