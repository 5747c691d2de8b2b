#pragma once
#include "../machine/grid.hpp"

namespace emulator {

// What the primitives do to memory, in either model. Values as 32-bit words.

// parts: how many words arrive together.
void load(const void *from, u32 *value, u32 words, u32 parts, bool acquire);
void store(void *to, const u32 *value, u32 words, u32 parts, bool release);
// Of one word, bytes of its own: 1 or 2. The word belongs to one piece of the heap. Its other bytes keep their newest value, so such a store comes behind all others: that allows less, never more.
u32 load_part(const void *from, u32 bytes);
void store_part(void *to, u32 value, u32 bytes);
// On the newest value. words is 1 or 2. Adds, or, with an expected value, exchanges if equal. Returns what was there.
u64 update(void *at, u32 words, u64 operand, const u64 *expected);
void fence();

// By the host, beside the kernels.
void host_store(u64 *to, u64 value);

}  // namespace emulator
