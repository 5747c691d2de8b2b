// All-reduce of long messages into registered memory, which every rank has mapped: the two-shot, whose bytes all travel by copy engines. They carry 383 GB/s a direction over NVLink of H100s where stores of the
// multiprocessors end at 350, and leave the multiprocessors to others. Behind the caller's bytes of registered memory lies room for contributions, a slot for each other rank.
//
// A call is many operations on three streams, in order on each; what comes from another stream waits for an event of it:
//
//   contributions  copies piece 0 of each peer's part of the input into its slot there, then piece 1 ...                        begins when the caller's stream has come to the call
//   the caller's   REDUCE 0, REDUCE 1 ..., FINISH                              each REDUCE behind the contributions of its piece, FINISH behind the last copy of both other streams
//   results        copies piece 0 of the own part of the output into the peers' outputs, then piece 1 ...                        each behind the REDUCE of its piece
//
// Why each wait is enough. A copy that is done before a kernel begins (stream order, events) happens before all that the kernel does, and what a thread does with release takes along all that happened before it.
// - A slot is read when it is full: copy -> (event) block 0 of the sender's REDUCE stores the count of pieces with release -> one thread of each block of REDUCE loads it with acquire -> block barrier -> the other threads' loads.
// - A slot is written again when it has been read: REDUCE's loads -> (same stream) FINISH tells with release -> the sender's FINISH has loaded that with acquire before it ends -> its next call's copies.
// - An output is written by a peer when its owner's stream has come to the call, and an input that is the output too has been read: the owner's copy of piece p out of it -> its REDUCE p tells -> the peer's
//   REDUCE p waits for that of every rank -> its copy of the result of piece p.
// - An output is complete when FINISH ends: the peer's copies of results -> (event) its FINISH tells with release -> this rank's loads that with acquire.
// - The halves of the slice keep their order (arena.cuh), because FINISH waits for a word of this epoch from every rank. It alone advances the epoch.
//
// Why nobody waits for ever. A REDUCE tells before it waits, and what it waits for, the peers' REDUCE of the same piece, is told behind nothing but contributions and the REDUCE of the piece before: all ranks come to piece 0, and from there to
// each next one. Copies wait for nothing but what this rank has enqueued, so calls of one group come to the end in whatever order a device takes what may run. Eager, contributions are enqueued before any
// kernel of the call that waits, because streams may share a queue of the device; other groups' calls may share it too, and what stands in front there must not wait for what other ranks do behind it. Nothing but copies is on the other streams: a kernel
// between two copies would keep the wire idle for as long as engines and multiprocessors need to hear of each other, 5 to 15 us.
//
// Copies can't be called off: those of a rank that has left run as well, out of the input and out of NaNs that REDUCE leaves in the own part. They go into its own slots, so they spoil no more than its own contributions,
// which a peer may still be reading: therefore a rank that leaves in FINISH, when it has told already, takes that back (gone) before its stream goes on; a peer that has read what later copies brought finds it in its own FINISH, and leaves too.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) defined.
#include "all_reduce.cuh"
#include "registered.cuh"

enum Step { REDUCE, FINISH };

// Laid out as CopyEngineArguments in C#.
struct CopyEngine {
    View view;
    const void *input;
    void *output;      // in registered memory; may be input
    const u8 *slots;   // of the own slice of it: the contributions of the rank behind this one first, in rank order round the ring
    u64 slot_bytes;    // from one to the next, a multiple of 16
    Claim claim;       // with the number of elements
    u64 part;          // cells of each rank's part; the last ones may be shorter or empty
    u64 begin, end;    // REDUCE: cells of the own part
    u32 step, piece;
};

// As pieces that have been told.
#define ENDED 255

// FINISH begins when this rank has read its slots. If what it read there had come by a later copy of the peer, that one's gone had come before.
DEVICE bool is_there(const CopyEngine &call, u64 epoch, u32 peer)
{
    if (load_relaxed(&word_of_rank(call.view, call.view.rank, peer)->gone) != epoch + 1)
        return true;
    leave_for(call.view, epoch, peer, ABORTED, Claim{}, call.claim);
    return false;
}

// By all threads of a block, one for each peer; the same for all of them. What the peers did before they told happens before what any of these threads does next.
template <int RANKS>
DEVICE bool await_all(const CopyEngine &call, u64 epoch, u32 pieces)
{
    const View &view = call.view;
    bool there = !has_left(view);
    for (u32 hop = 1 + thread_in_block(); there && hop < RANKS; hop += threads_in_block()) {
        u32 peer = (view.rank + hop) % RANKS;
        there = await_told(view, epoch, peer, pieces) && (pieces == ENDED ? is_there(call, epoch, peer) : agrees<RANKS>(view, epoch, peer, call.claim));
    }
    return !block_barrier_or(!there);
}

// Of a cell's data, as a message and a slot hold it.
template <typename Element>
constexpr u32 DATA_BYTES = Element::IN_CELL * sizeof(typename Element::Bits);

template <int RANKS>
DEVICE const u8 *slot_of(const CopyEngine &call, u32 rank)
{
    return call.slots + (rank + RANKS - call.view.rank - 1) % RANKS * call.slot_bytes;
}

// Of one cell of the own part: every rank's contribution. A slot holds what lies behind the last element too, which may be anything.
template <int RANKS, typename Element>
DEVICE void load_cell(const CopyEngine &call, u64 index, typename Element::Cell (&got)[RANKS])
{
    u32 rank = call.view.rank;
#pragma unroll
    for (int r = 0; r < RANKS; r++)
        if (r == rank)
            got[r] = read<Element>(call.input, rank * call.part + index, call.claim.count);
        else {
            read_cell<Common>(slot_of<RANKS>(call, r) + index * DATA_BYTES<Element>, got[r]);
            got[r] = as_sent<Element>(got[r]);
        }
}

// Their sum, or Nothing.
template <int RANKS, typename Element, typename Op>
DEVICE void write_cell_of(const CopyEngine &call, u64 index, const typename Element::Cell (&got)[RANKS], bool going)
{
    write<Element>(call.output, call.view.rank * call.part + index, call.claim.count, going ? reduce<RANKS, Element, Op>(got) : Nothing<Element>::cell());
}

// Cells of the own part that lie whole, and as their type likes it, in input and output: up to which one.
template <typename Element>
DEVICE u64 whole_cells(const CopyEngine &call)
{
    u64 before = call.view.rank * call.part, whole = call.claim.count / Element::IN_CELL;
    return ((u64)call.input | (u64)call.output) % DATA_BYTES<Element> != 0 || whole <= before ? 0 : whole - before;
}

// By any grid, when the own contributions of the piece are with their owners.
template <int RANKS, typename Element, typename Op>
DEVICE void reduce_piece(const CopyEngine &call, u64 epoch)
{
    typedef typename Element::Cell Cell;
    const u32 BYTES = DATA_BYTES<Element>, AT_ONCE = RANKS == 2 ? 4 : 2;
    u32 rank = call.view.rank;
    if (block_in_grid() == 0 && !has_left(call.view))
        tell_all<RANKS>(call.view, epoch, call.piece + 1, call.claim);
    bool going = await_all<RANKS>(call, epoch, call.piece + 1);
    u64 stride = (u64)blocks_in_grid() * threads_in_block(), i = call.begin + (u64)block_in_grid() * threads_in_block() + thread_in_block();
    u64 whole = whole_cells<Element>(call), end = whole < call.end ? whole : call.end;

    // All loads of several cells before the first number is looked at, and no branch between them: a few blocks are to keep up with the wire. The own input is loaded as the slots are.
    const u8 *from[RANKS];
#pragma unroll
    for (u32 r = 0; r < RANKS; r++)
        from[r] = r == rank ? (const u8 *)call.input + rank * call.part * BYTES : slot_of<RANKS>(call, r);
    for (; going && i + (AT_ONCE - 1) * stride < end; i += AT_ONCE * stride) {
        Cell got[AT_ONCE][RANKS];
#pragma unroll
        for (u32 n = 0; n < AT_ONCE; n++)
#pragma unroll
            for (u32 r = 0; r < RANKS; r++)
                read_cell<Common>(from[r] + (i + n * stride) * BYTES, got[n][r]);
#pragma unroll
        for (u32 n = 0; n < AT_ONCE; n++) {
#pragma unroll
            for (u32 r = 0; r < RANKS; r++)
                got[n][r] = as_sent<Element>(got[n][r]);
            write_cell<Exclusive>((u8 *)call.output + (rank * call.part + i + n * stride) * BYTES, reduce<RANKS, Element, Op>(got[n]));
        }
    }
    for (; i < call.end; i += stride) {
        Cell one[RANKS];
        if (going)
            load_cell<RANKS, Element>(call, i, one);
        write_cell_of<RANKS, Element, Op>(call, i, one, going);
    }
}

// By one block, when the copies of both other streams are done.
template <int RANKS, typename Element>
DEVICE void finish(const CopyEngine &call, u64 epoch)
{
    const View &view = call.view;
    // Nobody leaves before all threads of the block have looked.
    bool going = !block_barrier_or(has_left(view));
    if (going)
        tell_all<RANKS>(view, epoch, ENDED, call.claim);
    if (going && !await_all<RANKS>(call, epoch, ENDED)) {
        going = false;
        for (u32 hop = 1 + thread_in_block(); hop < RANKS; hop += threads_in_block())
            store_release(&word_of_rank(view, (view.rank + hop) % RANKS, view.rank)->gone, epoch + 1);
    }
    if (!going)
        for (u64 i = thread_in_block(); i < cells_of<Element>(call.claim.count); i += threads_in_block())
            write<Element>(call.output, i, call.claim.count, Nothing<Element>::cell());
    leave(view);
}

template <int RANKS, typename Element, typename Op>
DEVICE void copy_engine(const CopyEngine &call)
{
    u64 epoch = enter(call.view);
    if (call.step == REDUCE)
        reduce_piece<RANKS, Element, Op>(call, epoch);
    else
        finish<RANKS, Element>(call, epoch);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ CopyEngine call) { copy_engine<WORLD_SIZE, ELEMENT, OP>(call); }
