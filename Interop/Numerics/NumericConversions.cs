using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CollectivesSharp.Interop;

/// <summary>Whole spans between float and the narrow types, with the results of the scalar conversions. Any alignment; spans of equal length.</summary>
public static class NumericConversions
{
    public static void ToSingle(ReadOnlySpan<Half> source, Span<float> destination)
    {
        CheckLengths(source.Length, destination.Length);
        ref ushort from = ref Unsafe.As<Half, ushort>(ref MemoryMarshal.GetReference(source));
        ref float to = ref MemoryMarshal.GetReference(destination);
        int i = 0;
        for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            WidenHalf(low).StoreUnsafe(ref to, (nuint)i);
            WidenHalf(high).StoreUnsafe(ref to, (nuint)(i + Vector256<uint>.Count));
        }

        for (; i < source.Length; i++)
            destination[i] = (float)source[i];
    }

    public static void FromSingle(ReadOnlySpan<float> source, Span<Half> destination)
    {
        CheckLengths(source.Length, destination.Length);
        ref float from = ref MemoryMarshal.GetReference(source);
        ref ushort to = ref Unsafe.As<Half, ushort>(ref MemoryMarshal.GetReference(destination));
        int i = 0;
        for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Vector256<uint> low = NarrowHalf(Vector256.LoadUnsafe(ref from, (nuint)i));
            Vector256<uint> high = NarrowHalf(Vector256.LoadUnsafe(ref from, (nuint)(i + Vector256<uint>.Count)));
            Vector256.Narrow(low, high).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < source.Length; i++)
            destination[i] = (Half)source[i];
    }

    public static void ToSingle(ReadOnlySpan<BFloat16> source, Span<float> destination)
    {
        CheckLengths(source.Length, destination.Length);
        ref ushort from = ref Unsafe.As<BFloat16, ushort>(ref MemoryMarshal.GetReference(source));
        ref float to = ref MemoryMarshal.GetReference(destination);
        int i = 0;
        for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            (low << 16).AsSingle().StoreUnsafe(ref to, (nuint)i);
            (high << 16).AsSingle().StoreUnsafe(ref to, (nuint)(i + Vector256<uint>.Count));
        }

        for (; i < source.Length; i++)
            destination[i] = source[i];
    }

    public static void FromSingle(ReadOnlySpan<float> source, Span<BFloat16> destination)
    {
        CheckLengths(source.Length, destination.Length);
        ref float from = ref MemoryMarshal.GetReference(source);
        ref ushort to = ref Unsafe.As<BFloat16, ushort>(ref MemoryMarshal.GetReference(destination));
        int i = 0;
        for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Vector256<uint> low = NarrowBFloat16(Vector256.LoadUnsafe(ref from, (nuint)i));
            Vector256<uint> high = NarrowBFloat16(Vector256.LoadUnsafe(ref from, (nuint)(i + Vector256<uint>.Count)));
            Vector256.Narrow(low, high).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < source.Length; i++)
            destination[i] = (BFloat16)source[i];
    }

    public static void ToSingle(ReadOnlySpan<Float8E4M3> source, Span<float> destination) =>
        Decode(Float8Codec.E4M3, MemoryMarshal.AsBytes(source), destination);

    public static void ToSingle(ReadOnlySpan<Float8E5M2> source, Span<float> destination) =>
        Decode(Float8Codec.E5M2, MemoryMarshal.AsBytes(source), destination);

    public static void FromSingle(ReadOnlySpan<float> source, Span<Float8E4M3> destination) =>
        Encode(Float8Codec.E4M3, source, MemoryMarshal.AsBytes(destination));

    public static void FromSingle(ReadOnlySpan<float> source, Span<Float8E5M2> destination) =>
        Encode(Float8Codec.E5M2, source, MemoryMarshal.AsBytes(destination));

    private static void Decode(Float8Codec codec, ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckLengths(source.Length, destination.Length);
        ReadOnlySpan<float> values = codec.Values;
        for (int i = 0; i < source.Length; i++)
            destination[i] = values[source[i]];
    }

    private static void Encode(Float8Codec codec, ReadOnlySpan<float> source, Span<byte> destination)
    {
        CheckLengths(source.Length, destination.Length);
        int i = 0;
        for (; i <= source.Length - Vector256<byte>.Count; i += Vector256<byte>.Count)
        {
            ref float from = ref Unsafe.Add(ref MemoryMarshal.GetReference(source), i);
            Vector256<ushort> low = Vector256.Narrow(codec.Encode(Vector256.LoadUnsafe(ref from)), codec.Encode(Vector256.LoadUnsafe(ref from, 8)));
            Vector256<ushort> high = Vector256.Narrow(codec.Encode(Vector256.LoadUnsafe(ref from, 16)), codec.Encode(Vector256.LoadUnsafe(ref from, 24)));
            Vector256.Narrow(low, high).StoreUnsafe(ref MemoryMarshal.GetReference(destination), (nuint)i);
        }

        for (; i < source.Length; i++)
            destination[i] = codec.Encode(source[i]);
    }

    private static Vector256<uint> NarrowBFloat16(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> upper = bits >>> 16;
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + (upper & Vector256<uint>.One)) >>> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), rounded, upper | Vector256.Create(0x0040u));
    }

    /// <summary>
    /// Sign apart, a half's bits shifted into place are the float times 2^-112, subnormals included; multiplying back is exact. Exponent 31 is infinity or NaN
    /// and keeps its fraction.
    /// </summary>
    private static Vector256<float> WidenHalf(Vector256<uint> half)
    {
        Vector256<uint> sign = (half & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> finite = (magnitude.AsSingle() * Vector256.Create(5192296858534827628530496329220096f /* 2^112 */)).AsUInt32();
        Vector256<uint> special = magnitude | Vector256.Create(0x7F80_0000u);
        Vector256<uint> quiet = special | Vector256.ConditionalSelect(Vector256.GreaterThan(special, Vector256.Create(0x7F80_0000u)), Vector256.Create(0x0040_0000u), Vector256<uint>.Zero);
        return (sign | Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x0F80_0000u)), quiet, finite)).AsSingle();
    }

    /// <summary>Normal: rounds in integers. Subnormal: adding a number whose last place is the half's smallest step makes the adder round.</summary>
    private static Vector256<uint> NarrowHalf(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> sign = (bits >>> 16) & Vector256.Create(0x8000u);
        Vector256<uint> magnitude = bits & Vector256.Create(0x7FFF_FFFFu);
        Vector256<uint> normal = ((magnitude + Vector256.Create(0xFFFu) + ((magnitude >>> 13) & Vector256<uint>.One)) >>> 13) - Vector256.Create(112u << 10);
        normal = Vector256.Min(normal, Vector256.Create(0x7C00u));
        Vector256<uint> subnormal = (magnitude.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3F00_0000u);
        Vector256<uint> nan = ((magnitude >>> 13) & Vector256.Create(0x3FFu)) | Vector256.Create(0x7E00u);
        Vector256<uint> result = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(113u << 23)), subnormal, normal);
        result = Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, Vector256.Create(0x7F80_0000u)), nan, result);
        return sign | result;
    }

    private static void CheckLengths(int source, int destination)
    {
        if (source != destination)
            throw new ArgumentException($"{source} elements converted into {destination}.");
    }
}
