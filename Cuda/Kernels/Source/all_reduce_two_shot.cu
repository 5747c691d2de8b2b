// All-reduce of medium messages: the input is cut into a part for each rank; every rank pushes each part to its owner, who reduces what it has received in rank order and pushes the result to every peer. The data
// is the flag in both trips (Lamport), so there is no barrier between them. 2 (RANKS - 1) / RANKS times the input leaves each rank.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) defined.
#include "all_reduce.cuh"

// All parts are equally long and not empty, with zeros behind the last element: so each rank hears from every other one, however small the message is. A half holds two cells of each part for each rank.
template <int RANKS, typename Element, typename Op>
DEVICE void two_shot(const AllReduce &call)
{
    typedef typename Element::Cell Cell;
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    u64 part = (cells_of<Element>(call.count) + RANKS - 1) / RANKS;
    u64 first = (u64)block_in_grid() * threads_in_block() + thread_in_block(), stride = (u64)blocks_in_grid() * threads_in_block();
    // Both by the rank they come from: contributions to the own part, and the other owners' results.
    Cell *contributions = half_of<Cell>(view, view.rank, epoch), *results = contributions + RANKS * part;

    if (going)
        for (u64 i = first; i < part; i += stride)
#pragma unroll
            for (int hop = 1; hop < RANKS; hop++) {
                u32 owner = (view.rank + hop) % RANKS;
                store_relaxed(half_of<Cell>(view, owner, epoch) + view.rank * part + i, read<Element>(call.input, owner * part + i, call.count));
            }

    // The own part of the output is written when it has been pushed: the other parts of an input that is the output too have been read by then, by this very thread.
    for (u64 i = first; i < part; i += stride) {
        Cell result = Nothing<Element>::cell();
        if (going) {
            Cell own = read<Element>(call.input, view.rank * part + i, call.count), got[RANKS];
            going = receive<RANKS>(view, epoch, contributions + i, part, own, got);
            if (going) {
                result = reduce<RANKS, Element, Op>(got);
#pragma unroll
                for (int hop = 1; hop < RANKS; hop++) {
                    u32 peer = (view.rank + hop) % RANKS;
                    store_relaxed(half_of<Cell>(view, peer, epoch) + (RANKS + view.rank) * part + i, result);
                }
            }
        }
        write<Element>(call.output, view.rank * part + i, call.count, result);
    }

    for (u64 i = first; i < part; i += stride) {
        Cell got[RANKS];
        if (going)
            going = receive<RANKS>(view, epoch, results + i, part, poison<Cell>(), got);
#pragma unroll
        for (int r = 0; r < RANKS; r++)
            if (r != view.rank)
                write<Element>(call.output, r * part + i, call.count, going ? got[r] : Nothing<Element>::cell());
    }
    leave(view);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ AllReduce call) { two_shot<WORLD_SIZE, ELEMENT, OP>(call); }
