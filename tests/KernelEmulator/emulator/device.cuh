// Stands in for Cuda/Kernels/Source/device.cuh: the same functions, run by the emulator. Each is one step, before which any other thread may come.
#pragma once
#include <cstring>
#include "machine/block.hpp"
#include "machine/machine.hpp"
#include "memory/memory.hpp"

#define DEVICE inline
#define __device__ inline
#define __global__
#define __forceinline__ inline
#define __noinline__
#define __grid_constant__
#define __launch_bounds__(...)

struct alignas(16) Packet {
    u32 word[4];
};

struct alignas(16) Pair {
    u64 word[2];
};

// Every function has these as its last parameters, and nobody passes them.
#define CALLED const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define STEP(name) emulator::machine.step({name, file, line})

// ---- memory that others write or read

inline u32 parts_of_packet() { return emulator::machine.setting.together / 4; }

inline u32 parts_of_pair() { return emulator::machine.setting.together == 16 ? 4 : 2; }

DEVICE u8 load_relaxed(const u8 *from, CALLED)
{
    STEP("load_relaxed");
    return (u8)emulator::load_part(from, 1);
}

DEVICE u16 load_relaxed(const u16 *from, CALLED)
{
    STEP("load_relaxed");
    return (u16)emulator::load_part(from, 2);
}

DEVICE u32 load_relaxed(const u32 *from, CALLED)
{
    STEP("load_relaxed");
    u32 value;
    emulator::load(from, &value, 1, 1, false);
    return value;
}

DEVICE u64 load_relaxed(const u64 *from, CALLED)
{
    STEP("load_relaxed");
    u32 value[2];
    emulator::load(from, value, 2, 2, false);
    return value[0] | (u64)value[1] << 32;
}

DEVICE Packet load_relaxed(const Packet *from, CALLED)
{
    STEP("load_relaxed");
    Packet value;
    emulator::load(from, value.word, 4, parts_of_packet(), false);
    return value;
}

DEVICE void store_relaxed(u8 *to, u8 value, CALLED)
{
    STEP("store_relaxed");
    emulator::store_part(to, value, 1);
}

DEVICE void store_relaxed(u16 *to, u16 value, CALLED)
{
    STEP("store_relaxed");
    emulator::store_part(to, value, 2);
}

DEVICE void store_relaxed(u32 *to, u32 value, CALLED)
{
    STEP("store_relaxed");
    emulator::store(to, &value, 1, 1, false);
}

DEVICE void store_relaxed(u64 *to, u64 value, CALLED)
{
    STEP("store_relaxed");
    u32 words[2] = {(u32)value, (u32)(value >> 32)};
    emulator::store(to, words, 2, 2, false);
}

DEVICE void store_relaxed(Packet *to, Packet value, CALLED)
{
    STEP("store_relaxed");
    emulator::store(to, value.word, 4, parts_of_packet(), false);
}

DEVICE Pair load_relaxed(const Pair *from, CALLED)
{
    STEP("load_relaxed");
    u32 words[4];
    emulator::load(from, words, 4, parts_of_pair(), false);
    return Pair{{words[0] | (u64)words[1] << 32, words[2] | (u64)words[3] << 32}};
}

DEVICE void store_relaxed(Pair *to, Pair value, CALLED)
{
    STEP("store_relaxed");
    u32 words[4] = {(u32)value.word[0], (u32)(value.word[0] >> 32), (u32)value.word[1], (u32)(value.word[1] >> 32)};
    emulator::store(to, words, 4, parts_of_pair(), false);
}

DEVICE u64 load_acquire(const u64 *from, CALLED)
{
    STEP("load_acquire");
    u32 value[2];
    emulator::load(from, value, 2, 2, true);
    return value[0] | (u64)value[1] << 32;
}

DEVICE void store_release(u64 *to, u64 value, CALLED)
{
    STEP("store_release");
    u32 words[2] = {(u32)value, (u32)(value >> 32)};
    emulator::store(to, words, 2, 2, true);
}

DEVICE void store_release(u32 *to, u32 value, CALLED)
{
    STEP("store_release");
    emulator::store(to, &value, 1, 1, true);
}

DEVICE void fence_system(CALLED)
{
    STEP("fence_system");
    emulator::fence();
}

DEVICE u64 add_relaxed(u64 *to, u64 value, CALLED)
{
    STEP("add_relaxed");
    return emulator::update(to, 2, value, nullptr);
}

DEVICE u32 exchange_if_equal(u32 *to, u32 expected, u32 value, CALLED)
{
    STEP("exchange_if_equal");
    u64 wide = expected;
    return (u32)emulator::update(to, 1, value, &wide);
}

// ---- the caller's memory: no step, because nobody else touches it

DEVICE Packet read_packet(const void *from)
{
    Packet value;
    memcpy(&value, __builtin_assume_aligned(from, 16), sizeof value);
    return value;
}

DEVICE void write_packet(void *to, Packet value) { memcpy(__builtin_assume_aligned(to, 16), &value, sizeof value); }

// ---- threads

DEVICE void block_barrier(CALLED)
{
    STEP("block_barrier");
    emulator::in_block::barrier();
}

DEVICE bool block_barrier_or(bool value, CALLED)
{
    STEP("block_barrier_or");
    return emulator::in_block::barrier_or(value);
}

DEVICE u32 thread_in_block() { return emulator::machine.current->index; }

DEVICE u32 block_in_grid() { return emulator::machine.current->block->index; }

DEVICE u32 threads_in_block() { return emulator::machine.current->block->grid->launch.threads; }

DEVICE u32 blocks_in_grid() { return emulator::machine.current->block->grid->launch.blocks; }

DEVICE u32 load_block(u32 word, CALLED)
{
    STEP("load_block");
    return emulator::in_block::load(word);
}

DEVICE void store_block(u32 word, u32 value, CALLED)
{
    STEP("store_block");
    emulator::in_block::store(word, value);
}

DEVICE u32 blocks_in_cluster() { return emulator::machine.current->block->grid->launch.cluster; }

DEVICE u32 block_in_cluster() { return block_in_grid() % blocks_in_cluster(); }

DEVICE void expect_words(u32 counter, u32 words, CALLED)
{
    STEP("expect_words");
    emulator::in_block::expect_words(counter, words);
}

DEVICE void cluster_arrive(CALLED)
{
    STEP("cluster_arrive");
    emulator::in_block::cluster_arrive();
}

DEVICE void cluster_wait(CALLED)
{
    STEP("cluster_wait");
    emulator::in_block::cluster_wait();
}

DEVICE void send_word(u32 block, u32 word, u32 counter, u32 value, CALLED)
{
    STEP("send_word");
    emulator::in_block::send_word(block, word, counter, value);
}

DEVICE void await_words(u32 counter, CALLED)
{
    STEP("await_words");
    emulator::in_block::await_words(counter);
}

DEVICE u32 shuffle_xor(u32 value, u32 lanes, CALLED)
{
    STEP("shuffle_xor");
    return emulator::in_block::shuffle_xor(value, lanes);
}

DEVICE void let_next_grid_start(CALLED)
{
    STEP("let_next_grid_start");
    emulator::in_block::let_next_grid_start();
}

DEVICE void wait_for_previous_grid(CALLED)
{
    STEP("wait_for_previous_grid");
    emulator::in_block::wait_for_previous_grid();
}

// ---- time

DEVICE u64 nanoseconds(CALLED)
{
    STEP("nanoseconds");
    return emulator::machine.nanoseconds;
}

#include "numbers.hpp"
