// The arithmetic of device.cuh.
#pragma once
#include <cmath>
#include <cstring>

DEVICE u32 bits_of(float value)
{
    u32 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

DEVICE float float_of(u32 bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE u64 bits_of(double value)
{
    u64 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

DEVICE double double_of(u64 bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE float multiply_add(float left, float right, float addend) { return std::fma(left, right, addend); }

DEVICE float square_root(float value) { return std::sqrt(value); }

DEVICE float minimum(float left, float right)
{
    if (left != left || right != right)
        return float_of(0x7FFFFFFF);
    return left < right || (left == right && std::signbit(left)) ? left : right;
}

DEVICE float maximum(float left, float right)
{
    if (left != left || right != right)
        return float_of(0x7FFFFFFF);
    return left > right || (left == right && !std::signbit(left)) ? left : right;
}

DEVICE float float_of_half(u32 bits)
{
    u32 sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
    if (exponent == 31)
        return float_of(sign | 0x7F800000 | fraction << 13);
    float magnitude = exponent == 0 ? ldexpf((float)fraction, -24) : float_of((exponent + 112) << 23 | fraction << 13);
    return float_of(sign | bits_of(magnitude));
}

inline u32 half_of(float value)
{
    u32 sign = bits_of(value) >> 16 & 0x8000, magnitude = bits_of(value) & 0x7FFFFFFF;
    if (value != value)
        return 0x7FFF;
    if (magnitude >= 0x477FF000)
        return sign | 0x7C00;
    // nearbyint rounds as halves do: to the nearest, ties to even.
    if (magnitude < 0x38800000)
        return sign | (u32)nearbyintf(ldexpf(float_of(magnitude), 24));
    return sign | (((magnitude + 0xFFF + (magnitude >> 13 & 1)) >> 13) - (112 << 10));
}

DEVICE u32 halves_of(float low, float high) { return half_of(low) | half_of(high) << 16; }

inline u32 bfloat16_of(float value)
{
    u32 bits = bits_of(value);
    return value != value ? 0x7FFF : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

DEVICE u32 bfloat16s_of(float low, float high) { return bfloat16_of(low) | bfloat16_of(high) << 16; }

// With HAS_FLOAT8=1 elements.cuh takes these in place of what it does for older devices.

// E5M2 is the upper half of a half.
DEVICE u32 halves_of_e5m2s(u32 pair) { return (pair & 0xFF) << 8 | (pair >> 8 & 0xFF) << 24; }

inline u32 half_of_e4m3(u32 code)
{
    u32 sign = (code & 0x80) << 8, magnitude = code & 0x7F;
    if (magnitude == 0x7F)
        return 0x7FFF;
    float value = magnitude < 8 ? ldexpf((float)magnitude, -9) : ldexpf((float)(8 + magnitude % 8), (int)(magnitude / 8) - 10);
    return sign | half_of(value);
}

DEVICE u32 halves_of_e4m3s(u32 pair) { return half_of_e4m3(pair & 0xFF) | half_of_e4m3(pair >> 8 & 0xFF) << 16; }

// The code whose value is nearest, the even one of two; codes of one sign are in the order of their values.
inline u32 float8_of(float value, u32 largest, float (*value_of)(u32))
{
    if (value != value)
        return 0x7F;
    u32 sign = std::signbit(value) ? 0x80 : 0, low = 0, high = largest;
    double magnitude = std::fabs((double)value);
    if (magnitude >= value_of(largest))
        return sign | largest;
    while (high - low > 1) {
        u32 middle = (low + high) / 2;
        (value_of(middle) <= magnitude ? low : high) = middle;
    }
    double below = magnitude - value_of(low), above = value_of(high) - magnitude;
    return sign | (below < above || (below == above && low % 2 == 0) ? low : high);
}

DEVICE u32 e4m3s_of(float low, float high)
{
    float (*value_of)(u32) = [](u32 code) { return float_of_half(half_of_e4m3(code)); };
    return float8_of(low, 0x7E, value_of) | float8_of(high, 0x7E, value_of) << 8;
}

DEVICE u32 e5m2s_of(float low, float high)
{
    float (*value_of)(u32) = [](u32 code) { return float_of_half(code << 8); };
    return float8_of(low, 0x7B, value_of) | float8_of(high, 0x7B, value_of) << 8;
}
