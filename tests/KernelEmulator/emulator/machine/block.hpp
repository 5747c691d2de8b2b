#pragma once
#include "types.hpp"

namespace emulator::in_block {

// What the current thread does with the others of its block and grid.
void barrier();
bool barrier_or(bool value);
u32 load(u32 word);
void store(u32 word, u32 value);
u32 shuffle_xor(u32 value, u32 lanes);
void expect_words(u32 counter, u32 words);
void cluster_arrive();
void cluster_wait();
void send_word(u32 block, u32 word, u32 counter, u32 value);
void await_words(u32 counter);
void let_next_grid_start();
void wait_for_previous_grid();

}  // namespace emulator::in_block
