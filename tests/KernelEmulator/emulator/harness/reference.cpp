#include "reference.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace emulator {

static const Format formats[] = {
    {"Float32", Kind::Float, 4, 16, 8, 23, true, false},
    {"Float16", Kind::Float, 2, 16, 5, 10, true, false},
    {"BFloat16", Kind::Float, 2, 16, 8, 7, true, false},
    {"Float8E4M3", Kind::Float, 1, 16, 4, 3, false, true},
    {"Float8E5M2", Kind::Float, 1, 16, 5, 2, true, true},
    {"Float64", Kind::Float, 8, 8, 11, 52, true, false},
    {"Int8", Kind::Signed, 1, 8},
    {"UInt8", Kind::Unsigned, 1, 8},
    {"Int32", Kind::Signed, 4, 8},
    {"UInt32", Kind::Unsigned, 4, 8},
    {"Int64", Kind::Signed, 8, 8},
    {"UInt64", Kind::Unsigned, 8, 8},
};

const Format &format_of(const std::string &name)
{
    for (const Format &format : formats)
        if (name == format.name)
            return format;
    fprintf(stderr, "no element type %s\n", name.c_str());
    exit(4);
}

static double value_of(const Format &format, u64 bits)
{
    u64 exponent = bits >> format.fraction & ((1ull << format.exponent) - 1), fraction = bits & ((1ull << format.fraction) - 1);
    int bias = (1 << (format.exponent - 1)) - 1;
    if (exponent == 0)
        return std::ldexp((double)fraction, 1 - bias - (int)format.fraction);
    return std::ldexp((double)(fraction | 1ull << format.fraction), (int)exponent - bias - (int)format.fraction);
}

static u64 largest(const Format &format)
{
    u64 all = (1ull << (format.exponent + format.fraction)) - 1;
    return format.has_infinity ? all - (1ull << format.fraction) : all - 1;
}

bool Format::is_nan(u64 bits) const
{
    u64 magnitude = bits & ((1ull << (exponent + fraction)) - 1);
    return kind == Kind::Float && magnitude > largest(*this) + (has_infinity ? 1 : 0);
}

double Format::decode(u64 bits) const
{
    u64 magnitude = bits & ((1ull << (exponent + fraction)) - 1);
    double value = is_nan(bits) ? std::numeric_limits<double>::quiet_NaN() : magnitude > largest(*this) ? std::numeric_limits<double>::infinity() : value_of(*this, magnitude);
    return bits >> (exponent + fraction) & 1 ? -value : value;
}

// To the nearest, ties to even; what is above the largest number becomes it, or infinity from half a step above.
u64 Format::encode(double value) const
{
    u64 sign = std::signbit(value) ? 1ull << (exponent + fraction) : 0;
    if (std::isnan(value))
        return (1ull << (exponent + fraction)) - 1;
    u64 top = largest(*this);
    if (std::isinf(value))
        return sign | (saturates ? top : top + 1);
    double magnitude = std::fabs(value);
    int bias = (1 << (exponent - 1)) - 1, of_value = magnitude == 0 ? 1 - bias : std::ilogb(magnitude);
    int scale = std::max(of_value, 1 - bias) - (int)fraction;
    double steps = std::nearbyint(std::ldexp(magnitude, -scale)), rounded = std::ldexp(steps, scale);
    if (rounded > value_of(*this, top))
        return sign | (saturates ? top : top + 1);
    if (steps < (double)(1ull << fraction))
        return sign | (u64)steps;
    int written = std::ilogb(rounded);
    return sign | (u64)(written + bias) << fraction | ((u64)std::ldexp(rounded, (int)fraction - written) - (1ull << fraction));
}

u64 Format::read(const void *base, u64 index) const
{
    u64 bits = 0;
    memcpy(&bits, (const u8 *)base + index * bytes, bytes);
    return bits;
}

void Format::write(void *base, u64 index, u64 bits) const { memcpy((u8 *)base + index * bytes, &bits, bytes); }

static u64 mask_of(const Format &format) { return ~0ull >> (64 - 8 * format.bytes); }

u64 Format::any(Random &random) const
{
    u64 mask = mask_of(*this), bits = random.next();
    u32 choice = random.below(16);
    if (kind != Kind::Float)
        return choice == 0 ? mask : choice == 1 ? mask >> 1 : choice == 2 ? mask ^ mask >> 1 : choice < 6 ? bits % 16 : bits & mask;
    switch (choice) {
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
        return encode((std::ldexp((double)(bits >> 11), -53) - 0.5) * 16);
    }
}

static long long extended(const Format &format, u64 bits) { return (long long)(bits << (64 - 8 * format.bytes)) >> (64 - 8 * format.bytes); }

std::string Format::text(u64 bits) const
{
    char text[64], *end = text + sprintf(text, "%0*llx", (int)(2 * bytes), bits);
    if (kind == Kind::Float)
        sprintf(end, " (%g)", decode(bits));
    else if (kind == Kind::Signed)
        sprintf(end, " (%lld)", extended(*this, bits));
    else
        sprintf(end, " (%llu)", bits);
    return text;
}

template <typename T>
static u64 reduce_floats(const Format &format, const std::string &operation, const u64 *elements, u32 ranks)
{
    T result = (T)format.decode(elements[0]);
    for (u32 rank = 1; rank < ranks; rank++) {
        T value = (T)format.decode(elements[rank]);
        if (operation == "Sum" || operation == "Average")
            result += value;
        else if (operation == "Product")
            result *= value;
        else if (std::isnan(result) || std::isnan(value))
            result = std::numeric_limits<T>::quiet_NaN();
        else if (value == result)
            // Zeros: +0 is above -0.
            result = std::signbit(value) == (operation == "Min") ? value : result;
        else
            result = (operation == "Min") == (value < result) ? value : result;
    }
    return format.encode(operation == "Average" ? result / (T)ranks : result);
}

// Wraps around; the average of what has wrapped is truncated.
static u64 reduce_integers(const Format &format, const std::string &operation, const u64 *elements, u32 ranks)
{
    bool is_signed = format.kind == Kind::Signed;
    u64 result = elements[0];
    for (u32 rank = 1; rank < ranks; rank++) {
        u64 value = elements[rank];
        if (operation == "Sum" || operation == "Average")
            result = (result + value) & mask_of(format);
        else if (operation == "Product")
            result = (result * value) & mask_of(format);
        else {
            bool less = is_signed ? extended(format, value) < extended(format, result) : value < result;
            result = (operation == "Min") == less ? value : result;
        }
    }
    if (operation != "Average")
        return result;
    return is_signed ? (u64)(extended(format, result) / (long long)ranks) & mask_of(format) : result / ranks;
}

u64 reduce_reference(const Format &format, const std::string &operation, const u64 *elements, u32 ranks)
{
    if (format.kind != Kind::Float)
        return reduce_integers(format, operation, elements, ranks);
    return format.bytes == 8 ? reduce_floats<double>(format, operation, elements, ranks) : reduce_floats<float>(format, operation, elements, ranks);
}

}  // namespace emulator
