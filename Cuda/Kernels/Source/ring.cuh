// Rings: what a block pushes piece by piece goes to one of RING places, by turns, so that a message of any size passes through memory that stays in the second-level cache.
//
// A place is used again within the launch, so no grid boundary orders its reader's poison before the next store: a credit does. Once a block has ended step n (its threads have poisoned what they read, then the block
// barrier), one thread stores the number of ended steps to the same block of each peer, with release. Before a block's step n, one thread a peer has loaded that peer's number with acquire, then the block
// barrier: its block has ended step n - RING + 1, in which it poisoned the contributions of piece n - RING and, where they have a ring too, the results of piece n - RING - 1, which lay where those of n and n - 1 go. The
// release runs beside the next step's pushes, and the number is looked at two steps later, so that nobody waits for a fence.
#pragma once
#include "arena.cuh"

#define RING 4

// How many steps blocks have ended, over all calls; grows with the epoch.
DEVICE u64 credit_of(u64 epoch, u64 steps) { return epoch << 24 | steps; }

// To this block of the peer, behind a barrier; always by the same thread. By none that has left: who waits in an earlier call would take it for the end of that one.
DEVICE void give_credit(const View &view, u64 epoch, u32 peer, u64 steps) { store_release(&((Control *)view.slice[peer])->credit[block_in_grid()][view.rank], credit_of(epoch, steps)); }

// By one thread for each peer.
DEVICE bool await_credit(const View &view, u64 epoch, u32 peer, u64 steps)
{
    const u64 *credit = &control_of(view)->credit[block_in_grid()][peer];
    Patience patience;
    while (load_acquire(credit) < credit_of(epoch, steps))
        if (patience.is_over(view, epoch, 1u << peer))
            return false;
    return true;
}
