using System.Globalization;

namespace CollectivesSharp.Interop;

/// <summary>
/// OCP's FP8 E4M3: 4 bits of exponent, 3 of fraction, no infinities. Conversion rounds to the nearest, ties to even, and saturates: what is too large, infinities included,
/// becomes the largest finite value, as CUDA's satfinite conversions do. A NaN stays one.
/// </summary>
public readonly struct Float8E4M3 : IEquatable<Float8E4M3>, IComparable<Float8E4M3>, IFormattable
{
    private readonly byte _bits;

    private Float8E4M3(byte bits) => _bits = bits;

    public static Float8E4M3 Zero => default;

    public static Float8E4M3 One => new(0x38);

    /// <summary>The smallest positive value, subnormal: 2^-9.</summary>
    public static Float8E4M3 Epsilon => new(0x01);

    /// <summary>448.</summary>
    public static Float8E4M3 MaxValue => new(0x7E);

    public static Float8E4M3 MinValue => new(0x7E | 0x80);

    public static Float8E4M3 NaN => new(0x7F);

    public static Float8E4M3 FromBits(byte bits) => new(bits);

    public byte ToBits() => _bits;

    public static implicit operator float(Float8E4M3 value) => Float8Codec.E4M3.Decode(value._bits);

    public static explicit operator Float8E4M3(float value) => new(Float8Codec.E4M3.Encode(value));

    public static bool IsNaN(Float8E4M3 value) => float.IsNaN(value);

    public static bool IsFinite(Float8E4M3 value) => float.IsFinite(value);

    public static bool operator ==(Float8E4M3 left, Float8E4M3 right) => (float)left == right;

    public static bool operator !=(Float8E4M3 left, Float8E4M3 right) => (float)left != right;

    public static bool operator <(Float8E4M3 left, Float8E4M3 right) => (float)left < right;

    public static bool operator >(Float8E4M3 left, Float8E4M3 right) => (float)left > right;

    public static bool operator <=(Float8E4M3 left, Float8E4M3 right) => (float)left <= right;

    public static bool operator >=(Float8E4M3 left, Float8E4M3 right) => (float)left >= right;

    /// <summary>As float's: unlike ==, NaN equals NaN.</summary>
    public bool Equals(Float8E4M3 other) => ((float)this).Equals(other);

    public override bool Equals(object? obj) => obj is Float8E4M3 other && Equals(other);

    public override int GetHashCode() => ((float)this).GetHashCode();

    public int CompareTo(Float8E4M3 other) => ((float)this).CompareTo(other);

    public override string ToString() => ToString(null, CultureInfo.CurrentCulture);

    public string ToString(string? format, IFormatProvider? formatProvider) => ((float)this).ToString(format, formatProvider);
}
