// All-reduce of small messages: every rank pushes its input to every peer and reduces what it has received, in rank order. The data is the flag (Lamport): a word has come once it is no poison, so that there is
// no barrier, no fence and no second trip. One trip over the wire; RANKS - 1 times the input leaves each rank.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) defined.
#include "all_reduce.cuh"

template <int RANKS, typename Element, typename Op>
DEVICE void one_shot(const AllReduce &call)
{
    typedef typename Element::Cell Cell;
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    u64 cells = cells_of<Element>(call.count);
    u64 stride = (u64)blocks_in_grid() * threads_in_block();
    for (u64 i = (u64)block_in_grid() * threads_in_block() + thread_in_block(); i < cells; i += stride) {
        Cell result;
        if (going) {
            Cell own = read<Element>(call.input, i, call.count);
            // Beginning with the next rank, so that the ranks do not all write to one.
#pragma unroll
            for (int hop = 1; hop < RANKS; hop++) {
                u32 peer = (view.rank + hop) % RANKS;
                store_relaxed(half_of<Cell>(view, peer, epoch) + view.rank * cells + i, own);
            }
            Cell got[RANKS];
            going = receive<RANKS>(view, epoch, half_of<Cell>(view, view.rank, epoch) + i, cells, own, got);
            result = reduce<RANKS, Element, Op>(got);
        }
        write<Element>(call.output, i, call.count, going ? result : Nothing<Element>::cell());
    }
    leave(view);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ AllReduce call) { one_shot<WORLD_SIZE, ELEMENT, OP>(call); }
