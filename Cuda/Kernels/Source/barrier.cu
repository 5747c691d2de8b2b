// A barrier of the ranks' streams: a grid ends when every rank's grid of the same call has begun, and what the streams did before is then seen by what they do behind it. Each rank tells each peer in a word, and awaits
// the peers' words: one trip. No cell of a half is used.
//
// Why it is enough. Two things are promised, for whatever memory two ranks share: a slice, registered memory, a peer's buffer, host memory that both have mapped.
// - A store before is seen behind: a store of rank A's stream, by any thread of an earlier kernel, or by a copy -> (grid boundary: it is done and visible to A's device before this grid begins) -> one thread stores A's word
//   at B with release, at system scope -> one thread of B loads it with acquire -> (grid boundary) -> a load of B's stream. Release is cumulative: it takes along all that happened before it, whoever stored it and wherever
//   it lies, plain stores too. A relaxed word takes nothing along: that it has come tells of another address only if the bounds of A's and of B's grid are fences for the other device as well. The halves rely on that
//   (arena.cuh), for words that are stored and loaded at system scope; for memory of the caller nothing here does. So an exchange of no bytes is no barrier, though it waits for the same ranks.
// - A load before does not see a store behind: the same chain, from A's load to B's store. The load happens before the store, so it can't read from it.
// Both through third ranks as well: what A has seen, of C by an earlier barrier or otherwise, it passes on.
//
// A word is the number of the call, 1 + the epoch, and only grows: a peer may have told its next barrier when this rank looks, which says that it has come to this one too. Words of other kernels are others, so a rank that makes
// another call here is waited for, to the deadline, and not taken for one that has come.
//
// The halves of the slice keep their order (arena.cuh): every rank is waited for, by the thread that hears of it. A rank that has left, or leaves here, tells nothing more; its stream goes on nevertheless.
//
// One block. Compiled with KERNEL (its name) and WORLD_SIZE (2 to 8) defined.
#include "registered.cuh"

DEVICE bool await_coming(const View &view, u64 epoch, u32 peer)
{
    const u64 *come = &word_of_rank(view, view.rank, peer)->come;
    Patience patience;
    while (load_acquire(come) < epoch + 1)
        if (patience.is_over(view, epoch, 1u << peer))
            return false;
    return true;
}

template <int RANKS>
DEVICE void meet(const View &view)
{
    u64 epoch = enter(view);
    bool going = !has_left(view);
    for (u32 hop = 1 + thread_in_block(); going && hop < RANKS; hop += threads_in_block())
        store_release(&word_of_rank(view, (view.rank + hop) % RANKS, view.rank)->come, epoch + 1);
    for (u32 hop = 1 + thread_in_block(); going && hop < RANKS; hop += threads_in_block())
        going = await_coming(view, epoch, (view.rank + hop) % RANKS);
    leave(view);
}

extern "C" __global__ void __launch_bounds__(512) KERNEL(const __grid_constant__ View view) { meet<WORLD_SIZE>(view); }
