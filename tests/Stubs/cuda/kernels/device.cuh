// The primitives of Cuda/Kernels/Source/device.cuh on host memory: what is a thread there is a fiber here (fibers.h), memory that others write or read is reached by atomic accesses of the machine. The
// kernels' sources are compiled against this file as they are. It is as strong as the machine's memory, not as weak as a GPU's: tests/KernelEmulator looks for what that hides.
#pragma once
#include <cstdint>
#include <cmath>
#include <cstring>
#include <time.h>

#include "fibers.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE inline
#define __device__ static
#define __noinline__ __attribute__((noinline, unused))
#define __global__
#define __grid_constant__
#define __launch_bounds__(...)

struct alignas(16) Packet {
    u32 word[4];
};

struct alignas(16) Pair {
    u64 word[2];
};

// ---- memory that others write or read

// A thread that finds what it found before is one that waits: it lets the others run. So does one that finds poison.
template <typename Word>
DEVICE Word polled(const Word *from, Word value)
{
    Fiber *fiber = current_fiber();
    if (fiber->polled == from && fiber->found == (u64)value)
        yield_fiber();
    fiber->polled = from;
    fiber->found = (u64)value;
    return value;
}

DEVICE u8 load_relaxed(const u8 *from) { return __atomic_load_n(from, __ATOMIC_RELAXED); }

DEVICE u16 load_relaxed(const u16 *from) { return __atomic_load_n(from, __ATOMIC_RELAXED); }

DEVICE u32 load_relaxed(const u32 *from) { return polled(from, __atomic_load_n(from, __ATOMIC_RELAXED)); }

DEVICE u64 load_relaxed(const u64 *from) { return polled(from, __atomic_load_n(from, __ATOMIC_RELAXED)); }

DEVICE Packet load_relaxed(const Packet *from)
{
    Packet value;
    bool poison = false;
    for (int i = 0; i < 4; i++) {
        value.word[i] = __atomic_load_n(&from->word[i], __ATOMIC_RELAXED);
        poison |= value.word[i] == 0xFFFFFFFFu;
    }
    if (poison)
        yield_fiber();
    return value;
}

DEVICE Pair load_relaxed(const Pair *from)
{
    Pair value;
    bool poison = false;
    for (int i = 0; i < 2; i++) {
        value.word[i] = __atomic_load_n(&from->word[i], __ATOMIC_RELAXED);
        poison |= value.word[i] >> 32 == 0xFFFFFFFFu;
    }
    if (poison)
        yield_fiber();
    return value;
}

DEVICE void store_relaxed(u8 *to, u8 value) { __atomic_store_n(to, value, __ATOMIC_RELAXED); }

DEVICE void store_relaxed(u16 *to, u16 value) { __atomic_store_n(to, value, __ATOMIC_RELAXED); }

DEVICE void store_relaxed(u32 *to, u32 value) { __atomic_store_n(to, value, __ATOMIC_RELAXED); }

DEVICE void store_relaxed(u64 *to, u64 value) { __atomic_store_n(to, value, __ATOMIC_RELAXED); }

DEVICE void store_relaxed(Packet *to, Packet value)
{
    for (int i = 0; i < 4; i++)
        __atomic_store_n(&to->word[i], value.word[i], __ATOMIC_RELAXED);
}

DEVICE void store_relaxed(Pair *to, Pair value)
{
    for (int i = 0; i < 2; i++)
        __atomic_store_n(&to->word[i], value.word[i], __ATOMIC_RELAXED);
}

template <typename Word>
DEVICE Word load_acquire(const Word *from)
{
    return polled(from, __atomic_load_n(from, __ATOMIC_ACQUIRE));
}

DEVICE void store_release(u32 *to, u32 value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

DEVICE void store_release(u64 *to, u64 value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

DEVICE void fence_system() { __atomic_thread_fence(__ATOMIC_ACQ_REL); }

DEVICE u64 add_relaxed(u64 *to, u64 value) { return __atomic_fetch_add(to, value, __ATOMIC_RELAXED); }

DEVICE u32 exchange_if_equal(u32 *to, u32 expected, u32 value)
{
    __atomic_compare_exchange_n(to, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}

// ---- the caller's memory

DEVICE Packet read_packet(const void *from)
{
    Packet value;
    memcpy(&value, from, sizeof value);
    return value;
}

DEVICE void write_packet(void *to, Packet value) { memcpy(to, &value, sizeof value); }

// ---- threads

DEVICE void block_barrier() { await_block(false); }

DEVICE bool block_barrier_or(bool value) { return await_block(value); }

DEVICE u32 thread_in_block() { return current_fiber()->thread; }

DEVICE u32 block_in_grid() { return current_fiber()->block->index; }

DEVICE u32 threads_in_block() { return current_grid()->threads; }

DEVICE u32 blocks_in_grid() { return current_grid()->blocks; }

DEVICE u32 load_block(u32 word) { return current_fiber()->block->words[word]; }

DEVICE void store_block(u32 word, u32 value) { current_fiber()->block->words[word] = value; }

DEVICE u32 blocks_in_cluster() { return current_grid()->cluster; }

DEVICE u32 block_in_cluster() { return (u32)(current_fiber()->block - current_cluster()); }

// The counter is what has yet to come.
DEVICE void expect_words(u32 counter, u32 words) { current_fiber()->block->words[counter] = words; }

DEVICE void cluster_arrive()
{
    current_cluster()->arrived++;
    current_grid()->progress = true;
}

DEVICE void cluster_wait()
{
    while (current_cluster()->arrived < current_grid()->cluster * current_grid()->threads)
        yield_fiber();
}

DEVICE void send_word(u32 block, u32 word, u32 counter, u32 value)
{
    u32 *words = current_cluster()[block].words;
    words[word] = value;
    words[counter]--;
    current_grid()->progress = true;
}

DEVICE void await_words(u32 counter)
{
    while (current_fiber()->block->words[counter] != 0)
        yield_fiber();
}

DEVICE u32 shuffle_xor(u32 value, u32 lanes) { return shuffle_fibers(value, lanes); }

DEVICE void let_next_grid_start() {}

DEVICE void wait_for_previous_grid() {}

// ---- time

DEVICE u64 nanoseconds()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

// ---- numbers

DEVICE u32 bits_of(float value)
{
    u32 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

DEVICE float float_of(u32 bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE u64 bits_of(double value)
{
    u64 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

DEVICE double double_of(u64 bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE float multiply_add(float left, float right, float addend) { return fmaf(left, right, addend); }

DEVICE float square_root(float value) { return sqrtf(value); }

#define HAS_FLOAT8 0

DEVICE float either_nan() { return float_of(0x7FFFFFFF); }

DEVICE float minimum(float left, float right)
{
    if (left != left || right != right)
        return either_nan();
    return left == right ? float_of(bits_of(left) | bits_of(right)) : left < right ? left : right;
}

DEVICE float maximum(float left, float right)
{
    if (left != left || right != right)
        return either_nan();
    return left == right ? float_of(bits_of(left) & bits_of(right)) : left > right ? left : right;
}

DEVICE float float_of_half(u32 bits)
{
    u32 sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    if (exponent == 0x1F)
        return float_of(sign | 0x7F800000 | fraction << 13);
    if (exponent == 0)
        return float_of(sign | bits_of((float)fraction * float_of((u32)(127 - 24) << 23)));
    return float_of(sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

DEVICE u32 half_of(float value)
{
    u32 bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return 0x7FFF;
    if (magnitude >= 0x477FF000)
        return sign | 0x7C00;
    if (magnitude < (u32)(127 - 14) << 23)
        // The adder rounds: the last place of the sum is the format's smallest step.
        return sign | (bits_of(float_of(magnitude) + 0.5f) - 0x3F000000);
    return sign | (((magnitude + 0xFFF + (magnitude >> 13 & 1)) >> 13) - ((127 - 15) << 10));
}

DEVICE u32 halves_of(float low, float high) { return half_of(low) | half_of(high) << 16; }

DEVICE u32 bfloat16_of(float value)
{
    u32 bits = bits_of(value);
    return (bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFF : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

DEVICE u32 bfloat16s_of(float low, float high) { return bfloat16_of(low) | bfloat16_of(high) << 16; }
