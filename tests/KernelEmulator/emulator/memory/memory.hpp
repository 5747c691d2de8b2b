#pragma once
#include "../machine/grid.hpp"

namespace emulator {

// What the primitives do to memory, in either model. Values as 32-bit words.

// parts: how many words arrive together.
void load(const void *from, u32 *value, u32 words, u32 parts, bool acquire);
void store(void *to, const u32 *value, u32 words, u32 parts, bool release);
// On the newest value. words is 1 or 2. Adds, or, with an expected value, exchanges if equal. Returns what was there.
u64 update(void *at, u32 words, u64 operand, const u64 *expected);
void fence();

// By the host, beside the kernels.
void host_store(u64 *to, u64 value);

}  // namespace emulator
