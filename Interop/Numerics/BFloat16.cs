using System.Globalization;

namespace CollectivesSharp.Interop;

/// <summary>
/// The upper half of a float: 8 bits of exponent, 7 of fraction. Conversion rounds to the nearest, ties to even; a NaN stays one (quiet), what is too
/// large becomes infinite.
/// </summary>
public readonly struct BFloat16 : IEquatable<BFloat16>, IComparable<BFloat16>, IFormattable
{
    private readonly ushort _bits;

    private BFloat16(ushort bits) => _bits = bits;

    public static BFloat16 Zero => default;

    public static BFloat16 One => new(0x3F80);

    /// <summary>The smallest positive value, subnormal: 2^-133.</summary>
    public static BFloat16 Epsilon => new(0x0001);

    public static BFloat16 MaxValue => new(0x7F7F);

    public static BFloat16 MinValue => new(0xFF7F);

    public static BFloat16 NaN => new(0x7FC0);

    public static BFloat16 PositiveInfinity => new(0x7F80);

    public static BFloat16 NegativeInfinity => new(0xFF80);

    public static BFloat16 FromBits(ushort bits) => new(bits);

    public ushort ToBits() => _bits;

    public static implicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value._bits << 16);

    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return new((ushort)((bits >> 16) | 0x0040));

        // Half of the last kept place, less one if that is even: a tie then carries only into an odd one.
        return new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>Rounds once: by way of a float that is rounded to odd, which keeps what a second rounding must know.</summary>
    public static explicit operator BFloat16(double value)
    {
        float near = (float)value;
        if (float.IsFinite(near) && near != value)
        {
            uint bits = BitConverter.SingleToUInt32Bits(near);
            bool away = Math.Abs((double)near) > Math.Abs(value);
            near = BitConverter.UInt32BitsToSingle((away ? bits - 1 : bits) | 1);
        }

        return (BFloat16)near;
    }

    public static bool IsNaN(BFloat16 value) => (value._bits & 0x7FFF) > 0x7F80;

    public static bool IsInfinity(BFloat16 value) => (value._bits & 0x7FFF) == 0x7F80;

    public static bool IsFinite(BFloat16 value) => (value._bits & 0x7F80) != 0x7F80;

    public static bool operator ==(BFloat16 left, BFloat16 right) => (float)left == right;

    public static bool operator !=(BFloat16 left, BFloat16 right) => (float)left != right;

    public static bool operator <(BFloat16 left, BFloat16 right) => (float)left < right;

    public static bool operator >(BFloat16 left, BFloat16 right) => (float)left > right;

    public static bool operator <=(BFloat16 left, BFloat16 right) => (float)left <= right;

    public static bool operator >=(BFloat16 left, BFloat16 right) => (float)left >= right;

    /// <summary>As float's: unlike ==, NaN equals NaN.</summary>
    public bool Equals(BFloat16 other) => ((float)this).Equals(other);

    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);

    public override int GetHashCode() => ((float)this).GetHashCode();

    public int CompareTo(BFloat16 other) => ((float)this).CompareTo(other);

    public override string ToString() => ToString(null, CultureInfo.CurrentCulture);

    public string ToString(string? format, IFormatProvider? formatProvider) => ((float)this).ToString(format, formatProvider);
}
