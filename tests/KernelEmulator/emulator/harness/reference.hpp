#pragma once
#include <string>
#include "../machine/random.hpp"

namespace emulator {

// What a collective must give, by arithmetic of its own: it shares nothing with elements.cuh or device.cuh.

// An element type by its numbers: bits of exponent and fraction. Named as in elements.cuh.
struct Format {
    const char *name;
    u32 bytes, exponent, fraction;
    bool has_infinity, saturates;

    float decode(u32 bits) const;
    u32 encode(float value) const;
    bool is_nan(u32 bits) const;
    bool equal(u32 left, u32 right) const { return left == right || (is_nan(left) && is_nan(right)); }
    u32 read(const void *base, u64 index) const;
    void write(void *base, u64 index, u32 bits) const;
    // Numbers of all sizes, NaNs, infinities, zeros of both signs, and the bits of poison among them.
    u32 any(Random &random) const;
};

// By the type's name.
const Format &format_of(const std::string &name);

// By the operation's name: of the ranks' elements, in rank order, in float.
u32 reduce_reference(const Format &format, const std::string &operation, const u32 *elements, u32 ranks);

}  // namespace emulator
