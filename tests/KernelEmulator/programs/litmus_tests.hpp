// The litmus tests: what their threads do, and how they may end.
#pragma once
#include "device.cuh"
#include "harness/run.hpp"

using namespace emulator;

static u64 *x, *y, *z, *wide;
static Packet *packet;
static Pair *pair;
static u32 r[4];

static void reuse_slots(u32 rank, bool fences)
{
    u64 *mine = rank == 0 ? x : y, *other = rank == 0 ? y : x;
    for (u32 i = 1; i <= 8; i++) {
        if (rank == 0)
            store_relaxed(other, i);
        u64 got;
        while ((got = load_relaxed(mine)) == 0) {
        }
        store_relaxed(mine, 0);
        if (fences)
            fence_system();
        if (rank == 1)
            store_relaxed(other, i);
        else
            r[0] += got == i;
    }
}

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
};

static const Litmus tests[] = {
    {"message-passing", 2, "00 01 11", "10", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(y, 1);
         } else {
             r[0] = load_relaxed(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, release and acquire", 2, "00 01 11", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, release alone", 2, "00 01 11", "10", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             r[0] = load_relaxed(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, acquire alone", 2, "00 01 11", "10", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(y, 1);
         } else {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, fences", 2, "00 01 11", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             fence_system();
             store_relaxed(y, 1);
         } else {
             r[0] = load_relaxed(y);
             fence_system();
             r[1] = load_relaxed(x);
         }
     }},
    {"store-buffering", 2, "01 10 11", "00", 2, 1, 1,
     [](u32 rank, u32, u32) {
         store_relaxed(rank == 0 ? x : y, 1);
         r[rank] = load_relaxed(rank == 0 ? y : x);
     }},
    // fence.acq_rel is no fence.sc.
    {"store-buffering, fences", 2, "01 10 11", "00", 2, 1, 1,
     [](u32 rank, u32, u32) {
         store_relaxed(rank == 0 ? x : y, 1);
         fence_system();
         r[rank] = load_relaxed(rank == 0 ? y : x);
     }},
    // Allowed by PTX, and left out by the emulator.
    {"load-buffering", 2, "00 01 10", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         r[rank] = load_relaxed(rank == 0 ? x : y);
         store_relaxed(rank == 0 ? y : x, 1);
     }},
    {"independent reads of independent writes", 4, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111", "1010", 4, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank < 2)
             store_relaxed(rank == 0 ? x : y, 1);
         else {
             r[2 * rank - 4] = load_relaxed(rank == 2 ? x : y);
             r[2 * rank - 3] = load_relaxed(rank == 2 ? y : x);
         }
     }},
    // Every reader's loads are in order; the readers may still disagree.
    {"independent reads of independent writes, release and acquire", 4, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111", "1010", 4, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank < 2)
             store_release(rank == 0 ? x : y, 1);
         else {
             r[2 * rank - 4] = load_acquire(rank == 2 ? x : y);
             r[2 * rank - 3] = load_acquire(rank == 2 ? y : x);
         }
     }},
    {"coherence, two reads", 2, "00 01 11", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(x, 1);
         else {
             r[0] = load_relaxed(x);
             r[1] = load_relaxed(x);
         }
     }},
    {"coherence, two stores of one thread", 3, "002 012 022 112 122 222", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(x, 2);
         } else {
             r[0] = load_relaxed(x);
             r[1] = load_relaxed(x);
         }
     },
     [] { r[2] = *x; }},
    // Both readers agree on the order of two stores that race.
    {"coherence, two readers", 4, "0000 0001 0002 0011 0012 0021 0022 0100 0101 0102 0111 0112 0121 0122 0200 0201 0202 0211 0212 0221 0222 1100 1101 1102 1111 1112 1121 1122 1200 1201 1202 1211 "
                                  "1212 1222 2100 2101 2102 2111 2121 2122 2200 2201 2202 2211 2212 2221 2222",
     "", 4, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank < 2)
             store_relaxed(x, rank + 1);
         else {
             r[2 * rank - 4] = load_relaxed(x);
             r[2 * rank - 3] = load_relaxed(x);
         }
     }},
    {"coherence, what another has read", 3, "000 100 101 111", "", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(x, 1);
         else if (rank == 1) {
             r[1] = load_relaxed(x);
             store_release(y, 1);
         } else {
             r[0] = load_acquire(y);
             r[2] = load_relaxed(x);
         }
     },
     [] {
         // Without the flag nothing can be compared.
         if (!r[0])
             r[1] = r[2] = 0;
     }},
    {"two stores each, the other way round", 2, "12 21 22", "11", 2, 1, 1,
     [](u32 rank, u32, u32) {
         store_relaxed(rank == 0 ? x : y, 1);
         store_relaxed(rank == 0 ? y : x, 2);
     },
     [] { r[0] = *x, r[1] = *y; }},
    {"through a barrier, release", 2, "00 01 11", "", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 1)
                 store_relaxed(x, 1);
             block_barrier();
             if (thread == 0)
                 store_release(y, 1);
         } else if (thread == 0) {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"through a barrier, no release", 2, "00 01 11", "10", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 1)
                 store_relaxed(x, 1);
             block_barrier();
             if (thread == 0)
                 store_relaxed(y, 1);
         } else if (thread == 0) {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"no barrier, release", 2, "00 01 11 10", "", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 1)
                 store_relaxed(x, 1);
             else
                 store_release(y, 1);
         } else if (thread == 0) {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"through a barrier, acquire", 2, "00 01 11", "", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 0) {
                 store_relaxed(x, 1);
                 store_release(y, 1);
             }
         } else {
             if (thread == 0)
                 r[0] = load_acquire(y);
             block_barrier();
             if (thread == 1)
                 r[1] = load_relaxed(x);
         }
     }},
    // A barrier is no acquire: what another thread of the block has seen relaxed orders nothing.
    {"through a barrier, no acquire", 2, "00 01 11", "10", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 0) {
                 store_relaxed(x, 1);
                 store_release(y, 1);
             }
         } else {
             if (thread == 0)
                 r[0] = load_relaxed(y);
             block_barrier();
             if (thread == 1)
                 r[1] = load_relaxed(x);
         }
     }},
    {"through a third rank, release and acquire", 3, "000 001 010 011 101 111 100", "", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else if (rank == 1) {
             r[0] = load_acquire(y);
             store_release(z, 1);
         } else {
             r[1] = load_acquire(z);
             r[2] = load_relaxed(x);
         }
     }},
    {"through a third rank, its acquire left out", 3, "000 001 010 011 101 111 100", "110", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else if (rank == 1) {
             r[0] = load_relaxed(y);
             store_release(z, 1);
         } else {
             r[1] = load_acquire(z);
             r[2] = load_relaxed(x);
         }
     }},
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
    {"poison against push, credit released", 1, "2", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             while (load_acquire(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    {"poison against push, credit not released", 1, "2", "1", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(y, 1);
         } else {
             while (load_acquire(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    {"poison against push, credit not acquired", 1, "2", "1", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             while (load_relaxed(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    {"poison against push, a grid boundary on either side", 1, "2", "", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             store_relaxed(grid == 0 ? x : y, 1);
         else if (grid == 0)
             while (load_relaxed(y) == 0) {
             }
         else
             store_relaxed(x, 2);
     },
     [] { r[0] = *x; }},
    {"poison against push, a grid boundary on one side", 1, "2", "1", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             store_relaxed(grid == 0 ? x : y, 1);
         else if (grid == 1) {
             while (load_relaxed(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    // One slot in either direction, used eight times in one launch: what is pushed next comes behind the poison, because the credit (here the other slot's word) is released and acquired.
    {"a slot reused within a launch", 1, "8", "", 2, 1, 1, [](u32 rank, u32, u32) { reuse_slots(rank, true); }},
    {"grids that follow each other", 1, "1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0)
             store_relaxed(x, 1);
         else
             r[0] = load_relaxed(x);
     }},
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
    {"a packet by 4 bytes", 4, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(packet, Packet{{1, 1, 1, 1}});
         else {
             Packet got = load_relaxed(packet);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 4},
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
    // Never by less than a word of its own.
    {"a pair", 4, "0000 0011 1100 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(pair, Pair{{0x100000001, 0x100000001}});
         else {
             Pair got = load_relaxed(pair);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 4},
    {"a pair where packets were", 4, "0000 0011 1100 1111", "", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0 && grid == 0)
             store_relaxed(packet, Packet{{0, 0, 0, 0}});
         else if (rank == 0)
             store_relaxed(pair, Pair{{0x100000001, 0x100000001}});
         else if (grid == 1) {
             Pair got = load_relaxed(pair);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 4},
    {"two pairs that race", 4, "1111 1122 2211 2222", "", 2, 1, 1,
     [](u32 rank, u32, u32) { store_relaxed(pair, rank == 0 ? Pair{{0x100000001, 0x100000001}} : Pair{{0x200000002, 0x200000002}}); }, [] { memcpy(r, pair, sizeof(Pair)); }, false, 4},
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
