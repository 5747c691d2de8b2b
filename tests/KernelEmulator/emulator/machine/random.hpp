#pragma once
#include "types.hpp"

namespace emulator {

// splitmix64: the same numbers on every machine.
struct Random {
    u64 state = 0;

    u64 next()
    {
        u64 z = state += 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }

    // 0 to bound - 1.
    u32 below(u32 bound) { return (u32)((next() >> 32) * bound >> 32); }

    bool one_in(u32 n) { return below(n) == 0; }

    // 1 to 1 << bits, each magnitude as often as the others.
    u64 magnitude(u32 bits) { return 1 + (next() & ((1ull << below(bits + 1)) - 1)); }
};

}  // namespace emulator
