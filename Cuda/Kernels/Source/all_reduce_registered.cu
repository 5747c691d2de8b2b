// All-reduce of large messages into registered memory, which every rank has mapped: the two-shot in pieces, by one kernel. Contributions travel through a ring, as in the windowed two-shot. Results don't: their owner
// stores them where they belong, into every rank's output. So nobody takes them out of an arena, a call has a step less, and a half holds the ring of a grid twice as large. In step n a block pushes the contributions
// of piece n, and reduces those of piece n - 1 and pushes the result.
//
// Why each wait is enough.
// - A place of the ring is written again when it has been read: credits, ring.cuh.
// - An output is written by a peer when its rank's stream has come to the call: what came there before -> (grid boundary) block 0 tells with release -> one thread for each peer in every block loads that with acquire, after
//   step 0 -> block barrier -> stores of results. With the word comes the claim, so ranks that mean something else store nothing either: what they pushed in step 0 lies in the arena. Waiting there costs little, the word
//   left before the contributions did.
// - The claim's word is stored again in a later call of its rank: its grid of this one has ended then, so all its blocks have heard of the end of the same blocks here, which had looked before.
// - An output is complete when the grid ends: a peer's stores of results -> block barrier -> one thread stores the credit for the last step with release -> the same thread of the same block here loads it with acquire -> block
//   barrier -> the end of the grid. Blocks of equal numbers of all ranks wait for each other in every call, however small, so a grid that ends has heard of all.
// - The halves of the slice keep their order (arena.cuh) by that wait as well.
//
// In place, an element's owner stores its result where this rank loads its contribution from, and nothing but data orders the two: the load -> the contribution, which is what has been loaded -> the owner's load of it ->
// the result, which is stored when that has come, word by word -> the store. The load can't see that store: each step needs the value of the one before, and values don't come out of thin air. But it is a race, which has
// a meaning between strong operations of equal size only. Both are relaxed therefore, and of equal size: all ranks' outputs lie at the same offset of pages, so their cells begin alike. An input that is not the output
// is nobody else's.
//
// A rank that leaves gives no credit for the last step: so its peers leave too, and nothing of its results comes to the output of one that has gone on.
//
// Grid and block size are part of the protocol: equal on all ranks that agree. Others find that they don't before they use more of the ring than a half holds.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) defined.
#include "arena.cuh"
#include "elements.cuh"
#include "registered.cuh"
#include "ring.cuh"

// Laid out as RegisteredArguments in C#.
struct RegisteredAllReduce {
    View view;
    const void *input;        // may be the own output
    void *output[MAX_RANKS];  // the ranks', as this device sees them
    Claim claim;              // with the number of elements
};

template <typename Element>
DEVICE typename Element::Cell contribution(const RegisteredAllReduce &call, u64 cell)
{
    return call.input == call.output[call.view.rank] ? read<Element, Common>(call.input, cell, call.claim.count) : read<Element>(call.input, cell, call.claim.count);
}

// A half holds RING places of a cell for each rank and thread of the grid.
template <int RANKS, typename Element, typename Op>
DEVICE void into_registered(const RegisteredAllReduce &call)
{
    typedef typename Element::Cell Cell;
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !block_barrier_or(has_left(view));
    // As in the two-shot, all parts are equally long and not empty.
    u64 part = (cells_of<Element>(call.claim.count) + RANKS - 1) / RANKS;
    u64 threads = (u64)blocks_in_grid() * threads_in_block(), thread = (u64)block_in_grid() * threads_in_block() + thread_in_block();
    u64 pieces = (part + threads - 1) / threads;

    if (going && block_in_grid() == 0)
        tell_all<RANKS>(view, epoch, 1, call.claim);

    for (u64 step = 0; going && step <= pieces; step++) {
        u64 i = step * threads + thread;
        if (i < part) {
            u64 place = (step % RING * RANKS + view.rank) * threads + thread;
#pragma unroll
            for (int hop = 1; hop < RANKS; hop++) {
                u32 owner = (view.rank + hop) % RANKS;
                store_relaxed(half_of<Cell>(view, owner, epoch) + place, contribution<Element>(call, owner * part + i));
            }
        }

        i -= threads;
        if (step >= 1 && i < part) {
            u64 place = (step - 1) % RING * RANKS * threads + thread;
            Cell own = contribution<Element>(call, view.rank * part + i), got[RANKS];
            going = receive<RANKS>(view, epoch, half_of<Cell>(view, view.rank, epoch) + place, threads, own, got);
            if (going) {
                Cell result = reduce<RANKS, Element, Op>(got);
#pragma unroll
                for (int hop = 1; hop <= RANKS; hop++)
                    write<Element, Common>(call.output[(view.rank + hop) % RANKS], view.rank * part + i, call.claim.count, result);
            }
        }

        // What the next step needs, by the block's last threads; what this one gives, by its first.
        for (u32 peer = threads_in_block() - 1 - thread_in_block(); peer < RANKS; peer += threads_in_block()) {
            if (peer == view.rank || !going)
                continue;
            if (step == 0)
                going = await_told(view, epoch, peer, 1) && agrees<RANKS>(view, epoch, peer, call.claim);
            else if (step + 1 >= RING && step + 1 < pieces)
                going = await_credit(view, epoch, peer, step + 3 - RING);
        }
        going = !block_barrier_or(!going);
        if (going && (step + RING - 1 < pieces || step == pieces))
            for (u32 peer = thread_in_block(); peer < RANKS; peer += threads_in_block())
                if (peer != view.rank)
                    give_credit(view, epoch, peer, step + 1);
    }

    for (u32 peer = thread_in_block(); going && peer < RANKS; peer += threads_in_block())
        going = peer == view.rank || await_credit(view, epoch, peer, pieces + 1);
    // What peers store from now on comes to memory that is undefined.
    if (block_barrier_or(!going))
        for (u64 i = thread; i < part; i += threads)
            for (int r = 0; r < RANKS; r++)
                write<Element, Common>(call.output[view.rank], r * part + i, call.claim.count, Nothing<Element>::cell());
    leave(view);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ RegisteredAllReduce call) { into_registered<WORLD_SIZE, ELEMENT, OP>(call); }
