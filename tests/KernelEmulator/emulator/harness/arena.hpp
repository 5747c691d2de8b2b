// The memory that kernels of a group share, as their host side sets it up. Included by programs: it needs arena.cuh.
#pragma once
#include <string>
#include "arena.cuh"
#include "run.hpp"

namespace emulator {

struct Arena {
    View view[MAX_RANKS];
    u64 *abort;
    u32 ranks;

    // patience: of the kernels' waits, in nanoseconds.
    Arena(u32 ranks, u64 half_bytes, u64 patience = ~0ull) : ranks(ranks)
    {
        abort = (u64 *)heap.allocate("the abort word", sizeof(u64));
        *abort = 0;
        u8 *slices[MAX_RANKS] = {};
        for (u32 rank = 0; rank < ranks; rank++) {
            slices[rank] = (u8 *)heap.allocate("slice " + std::to_string(rank), CONTROL_BYTES + 2 * half_bytes);
            memset(slices[rank], 0, CONTROL_BYTES);
            memset(slices[rank] + CONTROL_BYTES, 0xFF, 2 * half_bytes);
        }
        for (u32 rank = 0; rank < ranks; rank++) {
            View &of = view[rank];
            memcpy(of.slice, slices, sizeof slices);
            of.abort = abort;
            of.fault = (Fault *)heap.allocate("fault record " + std::to_string(rank), sizeof(Fault));
            memset(of.fault, 0, sizeof(Fault));
            of.patience = patience;
            of.half_bytes = half_bytes;
            of.rank = rank;
        }
    }

    const Control &control(u32 rank) const { return *(const Control *)view[rank].slice[rank]; }
    u64 epoch(u32 rank) const { return control(rank).ticket >> 16; }
    bool has_left(u32 rank) const { return control(rank).left != WENT_ON; }
};

}  // namespace emulator
