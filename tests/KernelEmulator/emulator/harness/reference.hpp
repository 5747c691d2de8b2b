#pragma once
#include <string>
#include "../machine/random.hpp"

namespace emulator {

// What a collective must give, by arithmetic of its own: it shares nothing with elements.cuh or device.cuh.

enum class Kind { Float, Signed, Unsigned };

// An element type by its numbers: of floats, bits of exponent and fraction. Named as in elements.cuh. bits: an element's, the upper ones zeros.
struct Format {
    const char *name;
    Kind kind;
    u32 bytes, cell;  // cell: bytes of data that travel, and fail, together
    u32 exponent, fraction;
    bool has_infinity, saturates;

    // Of floats.
    double decode(u64 bits) const;
    u64 encode(double value) const;
    bool is_nan(u64 bits) const;

    bool equal(u64 left, u64 right) const { return left == right || (is_nan(left) && is_nan(right)); }
    // What a failed call may leave: a NaN, or an integer's zero.
    bool is_nothing(u64 bits) const { return kind == Kind::Float ? is_nan(bits) : bits == 0; }
    u64 read(const void *base, u64 index) const;
    void write(void *base, u64 index, u64 bits) const;
    // Numbers of all sizes, NaNs, infinities, zeros of both signs, and the bits of poison among them; of integers the least and the greatest.
    u64 any(Random &random) const;
    // For messages: the bits and the number.
    std::string text(u64 bits) const;
};

// By the type's name.
const Format &format_of(const std::string &name);

// By the operation's name: of the ranks' elements, in rank order. Doubles in double, other floats in float, integers in as many bits as they have.
u64 reduce_reference(const Format &format, const std::string &operation, const u64 *elements, u32 ranks);

}  // namespace emulator
