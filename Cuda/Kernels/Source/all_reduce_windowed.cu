// All-reduce of large messages out of and into any memory: the two-shot in pieces, through a ring that stays in the second-level cache. A block has RING places a rank for contributions and for results. In step n it
// pushes the contributions of piece n, reduces piece n - 1 and pushes its result, and takes the results of piece n - 2.
//
// A place is used again within the launch: ring.cuh says what orders that.
//
// Grid and block size are part of the protocol: equal on all ranks.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) defined.
#include "all_reduce.cuh"
#include "ring.cuh"

// A half holds 2 RING places of a packet for each rank and thread of the grid.
template <int RANKS, typename Element, typename Op>
DEVICE void windowed(const AllReduce &call)
{
    typedef typename Element::Cell Cell;
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    // As in the two-shot, all parts are equally long and not empty.
    u64 part = (cells_of<Element>(call.count) + RANKS - 1) / RANKS;
    u64 threads = (u64)blocks_in_grid() * threads_in_block(), thread = (u64)block_in_grid() * threads_in_block() + thread_in_block();
    u64 pieces = (part + threads - 1) / threads;
    u64 results = RING * RANKS * threads;

    for (u64 step = 0; step < pieces + 2; step++) {
        u64 i = step * threads + thread;
        if (going && i < part) {
            u64 place = (step % RING * RANKS + view.rank) * threads + thread;
#pragma unroll
            for (int hop = 1; hop < RANKS; hop++) {
                u32 owner = (view.rank + hop) % RANKS;
                store_relaxed(half_of<Cell>(view, owner, epoch) + place, read<Element>(call.input, owner * part + i, call.count));
            }
        }

        i -= threads;
        if (step >= 1 && i < part) {
            u64 place = (step - 1) % RING * RANKS * threads + thread;
            Cell result = Nothing<Element>::cell();
            if (going) {
                Cell own = read<Element>(call.input, view.rank * part + i, call.count), got[RANKS];
                going = receive<RANKS>(view, epoch, half_of<Cell>(view, view.rank, epoch) + place, threads, own, got);
                if (going) {
                    result = reduce<RANKS, Element, Op>(got);
#pragma unroll
                    for (int hop = 1; hop < RANKS; hop++) {
                        u32 peer = (view.rank + hop) % RANKS;
                        store_relaxed(half_of<Cell>(view, peer, epoch) + results + place + view.rank * threads, result);
                    }
                }
            }
            write<Element>(call.output, view.rank * part + i, call.count, result);
        }

        i -= threads;
        if (step >= 2 && i < part) {
            u64 place = results + (step - 2) % RING * RANKS * threads + thread;
            Cell got[RANKS];
            if (going)
                going = receive<RANKS>(view, epoch, half_of<Cell>(view, view.rank, epoch) + place, threads, poison<Cell>(), got);
#pragma unroll
            for (int r = 0; r < RANKS; r++)
                if (r != view.rank)
                    write<Element>(call.output, r * part + i, call.count, going ? got[r] : Nothing<Element>::cell());
        }

        // What the next step needs, by the block's last threads; what this one gives, by its first.
        if (going && step + 1 >= RING && step + 1 < pieces + 2)
            for (u32 peer = threads_in_block() - 1 - thread_in_block(); peer < RANKS; peer += threads_in_block())
                going = going && (peer == view.rank || await_credit(view, epoch, peer, step + 3 - RING));
        // Without a credit none of the block's threads may push.
        going = !block_barrier_or(!going);
        if (going && step + RING - 1 < pieces + 2)
            for (u32 peer = thread_in_block(); peer < RANKS; peer += threads_in_block())
                if (peer != view.rank)
                    give_credit(view, epoch, peer, step + 1);
    }
    leave(view);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ AllReduce call) { windowed<WORLD_SIZE, ELEMENT, OP>(call); }
