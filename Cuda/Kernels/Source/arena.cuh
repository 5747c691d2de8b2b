// What all kernels of a group share: the arena's layout, the epoch, waiting that ends.
//
// Each rank has a slice: control words, then two halves. Calls use the halves in turn, by the epoch's parity. Between calls every word of a half is POISON. A call's receivers have one reader for each
// word, who puts the poison back once he has it; so a half may be cut into slots in another way by every call, and nobody keeps a record of what was used.
//
// Why two halves are enough. Rank A writes a slot of B in epoch e and again, at the earliest, in e+2. B's reader has poisoned it in B's grid e, which ended before B's grid e+1 began; A's grid e+1 ended only when
// it had seen a word that B sent in e+1. So: B's poison -> (end of B's grid e, start of e+1: release) -> B's word -> A saw it -> (end of A's grid e+1, start of e+2: acquire) -> A's store. This needs each
// call to wait for a word of its epoch from every rank, and grid boundaries on one stream, or on two that an event orders.
#pragma once
#include "device.cuh"

#define MAX_RANKS 8
#define MAX_BLOCKS 256
#define CONTROL_BYTES 32768
#define POISON 0xFFFFFFFFu

// Of kernels that wait for peers: two blocks fit on a multiprocessor, so that those of two groups run at once (DeviceShare.cs). With up to 3 ranks they need no more than its 64 registers a thread as it is.
#if WORLD_SIZE > 3
#define TWO_A_MULTIPROCESSOR __launch_bounds__(512, 2)
#else
#define TWO_A_MULTIPROCESSOR __launch_bounds__(512)
#endif

// What a call says that every rank must say alike. Laid out as PeerClaim in C#.
struct Claim {
    u64 place;  // where the output lies in registered memory
    u64 what;   // kind, type and operation
    u64 count;  // elements
};

// What a rank tells another one, in a line of its own: of a call into registered memory, see registered.cuh, and of a barrier.
struct Word {
    u64 told;    // how far the call has come; grows with the epoch
    u64 gone;    // of a call by copy engines: 1 + the epoch that it has told to have ended, and takes back, because it has left; 0: none
    Claim claim;
    u64 come;    // of a barrier: 1 + the epoch of the last one that the rank's stream has come to, see barrier.cu
    u64 unused[10];
};

// At the start of a slice; zeros at first.
struct Control {
    u64 ticket;  // the epoch << 16, and how many blocks of the current grid have left: see leave()
    u32 left;    // a Reason once a wait of this rank has ended without its data: every later kernel of the group returns at once
    u32 unused[1021];
    u64 credit[MAX_BLOCKS][MAX_RANKS];  // by the same block of that rank, see ring.cuh
    Word word[MAX_RANKS];               // by that rank
};

enum Reason { WENT_ON, ABORTED, TIMED_OUT, DISAGREED };

// Of this rank, in host memory. Laid out as PeerFault in C#.
struct Fault {
    u32 reason;   // a Reason, written last
    u32 missing;  // a bit for each rank whose word had not come
    u64 epoch;    // the call's
    Claim claim;  // of a rank that has said something else than this one; else zeros
    Claim own;
};

// Every kernel's first argument. Laid out as PeerView in C#.
struct View {
    u8 *slice[MAX_RANKS];  // the ranks' slices, as this device sees them
    const u64 *abort;      // the group's abort word, in host memory: not 0 ends all waiting
    Fault *fault;
    u64 patience;          // nanoseconds that one wait may take
    u64 half_bytes;        // of a slice's half
    u32 rank;
};

DEVICE Control *control_of(const View &view) { return (Control *)view.slice[view.rank]; }

// The beginning of every kernel: returns the epoch, which stays the same until every block has left, so that a block that starts late reads the right one. In a programmatic dependent launch, the wait takes the
// place of the grid boundary: nothing is read, pushed or poisoned before it.
DEVICE u64 enter(const View &view)
{
    wait_for_previous_grid();
    let_next_grid_start();
    return load_relaxed(&control_of(view)->ticket) >> 16;
}

DEVICE bool has_left(const View &view) { return load_relaxed(&control_of(view)->left) != WENT_ON; }

// The half of a rank's slice that calls of this epoch use.
template <typename Cell>
DEVICE Cell *half_of(const View &view, u32 rank, u64 epoch)
{
    return (Cell *)(view.slice[rank] + CONTROL_BYTES + (epoch & 1) * view.half_bytes);
}

// The end of every kernel, by all threads of all blocks: the last one to leave advances the epoch, because the tickets of a grid sum up to 1 << 16. The next grid on the stream sees it.
DEVICE void leave(const View &view)
{
    // All threads of the block have read the epoch by then.
    block_barrier();
    if (thread_in_block() == 0)
        add_relaxed(&control_of(view)->ticket, block_in_grid() == 0 ? 65537 - blocks_in_grid() : 1);
}

// The rare part of waiting. since: when it was first called in this wait, 0 if it is now. Returns that time, or 0: the wait is over. missing: a bit for each rank that is waited for.
DEVICE u64 look_around(const View &view, u64 epoch, u32 missing, u64 since)
{
    u64 now = nanoseconds();
    if (since == 0)
        since = now;
    Control *control = control_of(view);
    u32 reason = load_relaxed(view.abort) != 0 ? ABORTED : now - since > view.patience ? TIMED_OUT : load_relaxed(&control->left);
    if (reason == WENT_ON)
        return since;
    // The first one of the rank tells.
    if (exchange_if_equal(&control->left, WENT_ON, reason) == WENT_ON) {
        store_relaxed(&view.fault->missing, missing);
        store_relaxed(&view.fault->epoch, epoch);
        store_release(&view.fault->reason, reason);
    }
    return 0;
}

// Counts the polls of one wait. The abort word lies behind PCIe: it is looked at rarely, at the 256th poll first, and at every 65,536th in the end.
struct Patience {
    u32 polls = 0;
    u32 until = 256;
    u64 since = 0;

    // True: the wait is over, and what was waited for has not come.
    DEVICE bool is_over(const View &view, u64 epoch, u32 missing)
    {
        if (++polls < until)
            return false;
        until += polls < 65536 ? polls : 65536;
        since = look_around(view, epoch, missing, since);
        return since == 0;
    }
};

// A cell is what is pushed at once: a Packet, every word of which is data and has come once it is not POISON; or a Pair for data that may look like POISON: each of its words is 32 bits of data and, above
// them, 32 bits that are POISON until the data is there.
template <typename Cell>
DEVICE Cell poison();

template <>
DEVICE Packet poison<Packet>() { return Packet{{POISON, POISON, POISON, POISON}}; }

template <>
DEVICE Pair poison<Pair>() { return Pair{{~0ull, ~0ull}}; }

DEVICE bool has_come(Packet cell) { return (cell.word[0] != POISON) & (cell.word[1] != POISON) & (cell.word[2] != POISON) & (cell.word[3] != POISON); }

DEVICE bool has_come(Pair cell) { return (cell.word[0] >> 32 != POISON) & (cell.word[1] >> 32 != POISON); }

DEVICE Packet select(bool first, Packet one, Packet other)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
        one.word[i] = first ? one.word[i] : other.word[i];
    return one;
}

DEVICE Pair select(bool first, Pair one, Pair other)
{
#pragma unroll
    for (int i = 0; i < 2; i++)
        one.word[i] = first ? one.word[i] : other.word[i];
    return one;
}

// Waits for one cell of every other rank, at slots[r * stride], in whatever order they come, and puts the poison back. own stands in for what this rank does not send to itself. False: left without them.
template <int RANKS, typename Cell>
DEVICE bool receive(const View &view, u64 epoch, Cell *slots, u64 stride, Cell own, Cell (&got)[RANKS])
{
    Patience patience;
    for (;;) {
        u32 missing = 0;
        // The own slot as well: that costs less than a branch.
#pragma unroll
        for (int r = 0; r < RANKS; r++)
            got[r] = load_relaxed(slots + r * stride);
#pragma unroll
        for (int r = 0; r < RANKS; r++)
            missing |= (u32)!has_come(got[r]) << r;
        missing &= ~(1u << view.rank);
        if (missing == 0)
            break;
        if (patience.is_over(view, epoch, missing))
            return false;
    }
    // Ordered before the senders' next stores here by the grid boundary, see above.
#pragma unroll
    for (int r = 0; r < RANKS; r++)
        if (r != view.rank)
            store_relaxed(slots + r * stride, poison<Cell>());
#pragma unroll
    for (int r = 0; r < RANKS; r++)
        got[r] = select(r == view.rank, own, got[r]);
    return true;
}
