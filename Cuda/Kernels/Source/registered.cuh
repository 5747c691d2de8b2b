// What ranks tell each other of a call into registered memory: that their streams have come to it, what they mean by it, and how far it has come. A peer's results go straight to the caller's bytes, so nothing may be
// stored there before both are known; and what an earlier operation of a rank's stream did with that memory happens before what a peer does that has heard of the call, because the word is stored with release.
#pragma once
#include "arena.cuh"

// How far a call has come: pieces that have been told, below 256. Grows with the epoch, over the calls of all kernels.
DEVICE u64 told_of(u64 epoch, u32 pieces) { return epoch << 8 | pieces; }

DEVICE Word *word_of_rank(const View &view, u32 at, u32 from) { return &((Control *)view.slice[at])->word[from]; }

DEVICE Claim load_claim(const Claim *from) { return Claim{load_relaxed(&from->place), load_relaxed(&from->what), load_relaxed(&from->count)}; }

DEVICE void store_claim(Claim *to, const Claim &claim)
{
    store_relaxed(&to->place, claim.place);
    store_relaxed(&to->what, claim.what);
    store_relaxed(&to->count, claim.count);
}

// The claim goes along with the first piece.
DEVICE void tell(const View &view, u64 epoch, u32 peer, u32 pieces, const Claim &claim)
{
    Word *word = word_of_rank(view, peer, view.rank);
    if (pieces == 1)
        store_claim(&word->claim, claim);
    store_release(&word->told, told_of(epoch, pieces));
}

// By all threads of a block, one for each peer.
template <int RANKS>
DEVICE void tell_all(const View &view, u64 epoch, u32 pieces, const Claim &claim)
{
    for (u32 hop = 1 + thread_in_block(); hop < RANKS; hop += threads_in_block())
        tell(view, epoch, (view.rank + hop) % RANKS, pieces, claim);
}

DEVICE bool await_told(const View &view, u64 epoch, u32 peer, u32 pieces)
{
    const u64 *told = &word_of_rank(view, view.rank, peer)->told;
    Patience patience;
    while (load_acquire(told) < told_of(epoch, pieces))
        if (patience.is_over(view, epoch, 1u << peer))
            return false;
    return true;
}

// The first one of the rank tells why it leaves.
DEVICE void leave_for(const View &view, u64 epoch, u32 peer, u32 reason, const Claim &claim, const Claim &own)
{
    if (exchange_if_equal(&control_of(view)->left, WENT_ON, reason) != WENT_ON)
        return;
    store_relaxed(&view.fault->missing, 1u << peer);
    store_relaxed(&view.fault->epoch, epoch);
    store_claim(&view.fault->claim, claim);
    store_claim(&view.fault->own, own);
    store_release(&view.fault->reason, reason);
}

// Of a peer that has told. It does not change its claim before all blocks of this rank have ended the call: its grid of the call, or its FINISH, waits for each of them.
DEVICE Claim claim_of(const View &view, u32 peer) { return load_claim(&word_of_rank(view, view.rank, peer)->claim); }

DEVICE bool is_same(const Claim &one, const Claim &other) { return one.place == other.place && one.what == other.what && one.count == other.count; }

// By one thread that has heard of the peer.
template <int RANKS>
DEVICE bool agrees(const View &view, u64 epoch, u32 peer, const Claim &own)
{
    Claim claim = claim_of(view, peer);
    if (is_same(claim, own))
        return true;
    // A block 0 that begins now finds that the rank has left, and tells nothing: but every rank is to learn what the others mean.
    for (u32 hop = 1; hop < RANKS; hop++)
        tell(view, epoch, (view.rank + hop) % RANKS, 1, own);
    leave_for(view, epoch, peer, DISAGREED, claim, own);
    return false;
}
