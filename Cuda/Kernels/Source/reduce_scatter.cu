// Reduce-scatter of small messages: every rank pushes each part of its input to the rank that it is for, which reduces what it has received in rank order. The data is the flag, as in the one-shot all-reduce.
// Parts of any length; a reduce to one rank has one part.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) defined.
#include "elements.cuh"

// Laid out as ReduceScatterArguments in C#.
struct ReduceScatter {
    View view;
    const void *input;
    void *output;            // this rank's part; may be its place in input
    u64 offset[MAX_RANKS];   // of each rank's part, in elements of input
    u64 count[MAX_RANKS];
};

// A part travels in one cell at least, so that each rank hears from every other one.
template <typename Element>
DEVICE u64 cells_of_part(u64 count)
{
    return count == 0 ? 1 : cells_of<Element>(count);
}

template <int RANKS, typename Element, typename Op>
DEVICE void reduce_scatter(const ReduceScatter &call)
{
    typedef typename Element::Cell Cell;
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    u64 first = (u64)block_in_grid() * threads_in_block() + thread_in_block(), stride = (u64)blocks_in_grid() * threads_in_block();
    u64 own_count = call.count[view.rank];
    const u8 *input = (const u8 *)call.input;

    if (going)
#pragma unroll
        for (int hop = 1; hop < RANKS; hop++) {
            u32 peer = (view.rank + hop) % RANKS;
            u64 count = call.count[peer], cells = cells_of_part<Element>(count);
            const u8 *part = input + call.offset[peer] * sizeof(typename Element::Bits);
            for (u64 i = first; i < cells; i += stride)
                store_relaxed(half_of<Cell>(view, peer, epoch) + view.rank * cells + i, read<Element>(part, i, count));
        }

    // All pushes of this thread have been read by now; those of the other threads are other ranks' parts, which the output does not touch.
    u64 cells = cells_of_part<Element>(own_count);
    for (u64 i = first; i < cells; i += stride) {
        Cell result = Nothing<Element>::cell();
        if (going) {
            Cell own = read<Element>(input + call.offset[view.rank] * sizeof(typename Element::Bits), i, own_count), got[RANKS];
            going = receive<RANKS>(view, epoch, half_of<Cell>(view, view.rank, epoch) + i, cells, own, got);
            if (going)
                result = reduce<RANKS, Element, Op>(got);
        }
        write<Element>(call.output, i, own_count, result);
    }
    leave(view);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ ReduceScatter call) { reduce_scatter<WORLD_SIZE, ELEMENT, OP>(call); }
