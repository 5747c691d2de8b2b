#pragma once
#include "types.hpp"

namespace emulator {

// What the current thread does with the others of its block and grid.
void block_barrier();
bool block_barrier_or(bool value);
u32 load_block(u32 word);
void store_block(u32 word, u32 value);
u32 shuffle_xor(u32 value, u32 lanes);
void let_next_grid_start();
void wait_for_previous_grid();

}  // namespace emulator
