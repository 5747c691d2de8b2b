#include "reference.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace emulator {

static const Format formats[] = {
    {"Float32", 4, 8, 23, true, false},
    {"Float16", 2, 5, 10, true, false},
    {"BFloat16", 2, 8, 7, true, false},
    {"Float8E4M3", 1, 4, 3, false, true},
    {"Float8E5M2", 1, 5, 2, true, true},
};

const Format &format_of(const std::string &name)
{
    for (const Format &format : formats)
        if (name == format.name)
            return format;
    fprintf(stderr, "no element type %s\n", name.c_str());
    exit(4);
}

static double value_of(const Format &format, u32 bits)
{
    u32 exponent = bits >> format.fraction & ((1u << format.exponent) - 1), fraction = bits & ((1u << format.fraction) - 1);
    int bias = (1 << (format.exponent - 1)) - 1;
    if (exponent == 0)
        return std::ldexp((double)fraction, 1 - bias - (int)format.fraction);
    return std::ldexp((double)(fraction | 1u << format.fraction), (int)exponent - bias - (int)format.fraction);
}

static u32 largest(const Format &format)
{
    u32 all = (1u << (format.exponent + format.fraction)) - 1;
    return format.has_infinity ? all - (1u << format.fraction) : all - 1;
}

bool Format::is_nan(u32 bits) const
{
    u32 magnitude = bits & ((1u << (exponent + fraction)) - 1);
    return magnitude > largest(*this) + (has_infinity ? 1 : 0);
}

float Format::decode(u32 bits) const
{
    u32 magnitude = bits & ((1u << (exponent + fraction)) - 1);
    double value = is_nan(bits) ? std::numeric_limits<double>::quiet_NaN() : magnitude > largest(*this) ? std::numeric_limits<double>::infinity() : value_of(*this, magnitude);
    return (float)(bits >> (exponent + fraction) & 1 ? -value : value);
}

// To the nearest, ties to even; what is above the largest number becomes it, or infinity from half a step above.
u32 Format::encode(float value) const
{
    u32 sign = std::signbit(value) ? 1u << (exponent + fraction) : 0;
    if (std::isnan(value))
        return (1u << (exponent + fraction)) - 1;
    double magnitude = std::fabs((double)value);
    u32 top = largest(*this);
    int bias = (1 << (exponent - 1)) - 1, of_value = magnitude == 0 ? 1 - bias : std::ilogb(std::isinf(magnitude) ? 1.0 : magnitude);
    int scale = std::max(of_value, 1 - bias) - (int)fraction;
    double steps = std::isinf(magnitude) ? magnitude : std::nearbyint(std::ldexp(magnitude, -scale)), rounded = std::isinf(magnitude) ? magnitude : std::ldexp(steps, scale);
    if (rounded > value_of(*this, top))
        return sign | (saturates ? top : top + 1);
    if (steps < (double)(1u << fraction))
        return sign | (u32)steps;
    int written = std::ilogb(rounded);
    return sign | (u32)(written + bias) << fraction | ((u32)std::ldexp(rounded, (int)fraction - written) - (1u << fraction));
}

u32 Format::read(const void *base, u64 index) const
{
    u32 bits = 0;
    memcpy(&bits, (const u8 *)base + index * bytes, bytes);
    return bits;
}

void Format::write(void *base, u64 index, u32 bits) const { memcpy((u8 *)base + index * bytes, &bits, bytes); }

u32 Format::any(Random &random) const
{
    u32 mask = bytes == 4 ? ~0u : (1u << 8 * bytes) - 1, bits = (u32)random.next();
    switch (random.below(16)) {
    case 0:
        return mask;  // poison
    case 1:
        return bits & mask;
    case 2:
        return mask >> 1;  // NaN
    case 3:
        return (bits & 1) << (8 * bytes - 1);
    case 4:
        return largest(*this) + (bits & 1);
    default:
        return encode(((float)(bits & 0xFFFFFF) / 0x1000000 - 0.5f) * 16);
    }
}

u32 reduce_reference(const Format &format, const std::string &operation, const u32 *elements, u32 ranks)
{
    float result = format.decode(elements[0]);
    for (u32 rank = 1; rank < ranks; rank++) {
        float value = format.decode(elements[rank]);
        if (operation == "Sum" || operation == "Average")
            result += value;
        else if (std::isnan(result) || std::isnan(value))
            result = std::numeric_limits<float>::quiet_NaN();
        else if (value == result)
            // Zeros: +0 is above -0.
            result = std::signbit(value) == (operation == "Min") ? value : result;
        else
            result = (operation == "Min") == (value < result) ? value : result;
    }
    return format.encode(operation == "Average" ? result / (float)ranks : result);
}

}  // namespace emulator
