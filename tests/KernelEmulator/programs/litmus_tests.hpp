// The litmus tests: what their threads do, and how they may end.
#pragma once
#include "device.cuh"
#include "harness/run.hpp"
#include "litmus_shared.cuh"

using namespace emulator;

static u64 *x, *y, *z, *wide;
static Packet *packet;
static Pair *pair;
static u32 r[4];

static LitmusWords words() { return {x, y, z, packet, ~0ull}; }

struct Litmus {
    const char *name;
    u32 results;          // of r
    const char *ordered;  // what sequential consistency allows
    const char *weak;     // what the weak model allows beside that
    u32 ranks, grids, threads;
    void (*thread)(u32 rank, u32 grid, u32 thread);
    void (*last)() = nullptr;  // after everything
    bool dependent = false;    // grids are launched so that they may overlap
    u32 together = 0;
    bool bounds_fence = true;
};

// A packet arrives by 4 bytes.
#define SHARED_TEST(type, name, results, ranks, grids, threads, ordered, weak) \
    {name, results, ordered, weak, ranks, grids, threads, [](u32 rank, u32 grid, u32 thread) { type::run(words(), rank, grid, thread, r); }, [] { type::last(words(), r); }, false, 4},

static const Litmus tests[] = {
    LITMUS_TESTS(SHARED_TEST)
    {"through an atomic of a third rank", 2, "00 01 10 11 21 31", "", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 2);
         } else if (rank == 1)
             add_relaxed(y, 1);
         else {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"grids that follow each other", 1, "1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0)
             store_relaxed(x, 1);
         else
             r[0] = load_relaxed(x);
     }},
    {"a word to a peer between bounds of grids", 2, "00 01 11", "", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             grid == 0 ? store_relaxed(x, 1) : store_relaxed(y, 1);
         else if (grid == 0)
             r[0] = load_relaxed(y);
         else
             r[1] = load_relaxed(x);
     }},
    // Where they order for their own device alone.
    {"a word to a peer between bounds of grids that are no fences", 2, "00 01 11", "10", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             grid == 0 ? store_relaxed(x, 1) : store_relaxed(y, 1);
         else if (grid == 0)
             r[0] = load_relaxed(y);
         else
             r[1] = load_relaxed(x);
     },
     nullptr, false, 0, false},
    {"a release between bounds of grids that are no fences", 2, "00 01 11", "10", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             grid == 0 ? store_relaxed(x, 1) : store_release(y, 1);
         else if (grid == 0)
             r[0] = load_relaxed(y);
         else
             r[1] = load_relaxed(x);
     },
     nullptr, false, 0, false},
    {"an acquire between bounds of grids that are no fences", 2, "00 01 11", "10", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             grid == 0 ? store_relaxed(x, 1) : store_relaxed(y, 1);
         else if (grid == 0)
             r[0] = load_acquire(y);
         else
             r[1] = load_relaxed(x);
     },
     nullptr, false, 0, false},
    {"a release and an acquire between bounds of grids that are no fences", 2, "00 01 11", "", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             grid == 0 ? store_relaxed(x, 1) : store_release(y, 1);
         else if (grid == 0)
             r[0] = load_acquire(y);
         else
             r[1] = load_relaxed(x);
     },
     nullptr, false, 0, false},
    // Not sequentially consistent either: they run at once.
    {"grids that overlap", 1, "0 1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0) {
             let_next_grid_start();
             store_relaxed(x, 1);
         } else
             r[0] = load_relaxed(x);
     },
     nullptr, true},
    {"letting the next grid start is no release", 1, "1", "0", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0) {
             store_relaxed(x, 1);
             let_next_grid_start();
         } else
             r[0] = load_relaxed(x);
     },
     nullptr, true},
    {"waiting for the grid before", 1, "1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0) {
             let_next_grid_start();
             store_relaxed(x, 1);
         } else {
             wait_for_previous_grid();
             r[0] = load_relaxed(x);
         }
     },
     nullptr, true},
    {"a packet by 8 bytes", 4, "0000 0011 1100 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(packet, Packet{{1, 1, 1, 1}});
         else {
             Packet got = load_relaxed(packet);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 8},
    {"a packet by 16 bytes", 4, "0000 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(packet, Packet{{1, 1, 1, 1}});
         else {
             Packet got = load_relaxed(packet);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 16},
    {"atomics act on the newest value", 3, "012 102", "", 1, 1, 2,
     [](u32, u32, u32 thread) { r[thread] = (u32)add_relaxed(wide, 1); }, [] { r[2] = (u32)*wide; }},
    {"one exchange wins", 3, "011 202", "", 2, 1, 1, [](u32 rank, u32, u32) { r[rank] = exchange_if_equal(packet->word, 0, rank + 1); }, [] { r[2] = packet->word[0]; }},
    {"shuffles of a warp", 1, "1", "", 1, 1, 64,
     [](u32, u32, u32 thread) {
         u32 sum = thread;
         for (u32 lanes = 16; lanes; lanes /= 2)
             sum += shuffle_xor(sum, lanes);
         if (thread % 32 == 0)
             r[0] = sum == 496 + thread * 32 && (thread == 0 || r[0]);
     }},
    {"block memory", 1, "1", "", 1, 1, 4,
     [](u32, u32, u32 thread) {
         store_block(thread, thread + 1);
         block_barrier();
         u32 other = load_block((thread + 1) % 4);
         block_barrier();
         store_block(thread, other);
         block_barrier();
         r[0] = load_block(2) == 4;
     }},
};
