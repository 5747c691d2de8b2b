// Every collective that only copies, for small messages: each rank pushes to each peer what is for it, any number of bytes, in Pairs, whose flags tell when the data has come; bits arrive as they are. All-gather,
// all-to-all, broadcast, gather, scatter and their -v forms differ in lengths and offsets alone. With no bytes at all ranks wait for each other, and nothing that they did before is ordered by that: the barrier is barrier.cu.
//
// Compiled with KERNEL (its name) and WORLD_SIZE (2 to 8) defined.
#include "arena.cuh"

// Laid out as ExchangeArguments in C#. All lengths are in bytes; what rank a has for b is what b expects of a.
struct Exchange {
    View view;
    const void *input;
    void *output;
    u64 send_offset[MAX_RANKS];
    u64 send_bytes[MAX_RANKS];
    u64 receive_offset[MAX_RANKS];
    u64 receive_bytes[MAX_RANKS];
    u64 slot_cells;  // from one rank's first cell in a half to the next one's: equal on all ranks, and nothing is longer
};

#define CELL_BYTES 8

// A part travels in one cell at least, so that each rank hears from every other one.
DEVICE u64 cells_of_bytes(u64 bytes) { return bytes == 0 ? 1 : (bytes + CELL_BYTES - 1) / CELL_BYTES; }

DEVICE u64 read_bytes(const u8 *part, u64 index, u64 bytes)
{
    const u8 *from = part + index * CELL_BYTES;
    if ((u64)from % CELL_BYTES == 0 && (index + 1) * CELL_BYTES <= bytes)
        return *(const u64 *)from;
    u64 data = 0;
    for (int i = 0; i < CELL_BYTES; i++)
        if (index * CELL_BYTES + i < bytes)
            data |= (u64)from[i] << (8 * i);
    return data;
}

DEVICE void write_bytes(u8 *part, u64 index, u64 bytes, u64 data)
{
    u8 *to = part + index * CELL_BYTES;
    if ((u64)to % CELL_BYTES == 0 && (index + 1) * CELL_BYTES <= bytes)
        *(u64 *)to = data;
    else
        for (int i = 0; i < CELL_BYTES; i++)
            if (index * CELL_BYTES + i < bytes)
                to[i] = (u8)(data >> (8 * i));
}

template <int RANKS>
DEVICE void exchange(const Exchange &call)
{
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    u64 first = (u64)block_in_grid() * threads_in_block() + thread_in_block(), stride = (u64)blocks_in_grid() * threads_in_block();
    const u8 *input = (const u8 *)call.input;
    u8 *output = (u8 *)call.output;

    u64 longest = 0;
#pragma unroll
    for (int hop = 1; hop < RANKS; hop++) {
        u32 peer = (view.rank + hop) % RANKS;
        u64 expected = cells_of_bytes(call.receive_bytes[peer]);
        longest = longest < expected ? expected : longest;
        u64 bytes = call.send_bytes[peer], cells = cells_of_bytes(bytes);
        if (going)
            for (u64 i = first; i < cells; i += stride) {
                u64 data = read_bytes(input + call.send_offset[peer], i, bytes);
                store_relaxed(half_of<Pair>(view, peer, epoch) + view.rank * call.slot_cells + i, Pair{{(u32)data, data >> 32}});
            }
    }

    const u8 *own = input + call.send_offset[view.rank];
    u8 *place = output + call.receive_offset[view.rank];
    if (own != place)
        for (u64 i = first; i < (call.send_bytes[view.rank] + CELL_BYTES - 1) / CELL_BYTES; i += stride)
            write_bytes(place, i, call.send_bytes[view.rank], read_bytes(own, i, call.send_bytes[view.rank]));

    Pair *slots = half_of<Pair>(view, view.rank, epoch);
    for (u64 i = first; i < longest; i += stride) {
        u32 wanted = 0;
#pragma unroll
        for (int r = 0; r < RANKS; r++)
            wanted |= (u32)(r != view.rank && i < cells_of_bytes(call.receive_bytes[r])) << r;
        Pair got[RANKS];
        Patience patience;
        while (going) {
            u32 missing = 0;
#pragma unroll
            for (int r = 0; r < RANKS; r++)
                got[r] = load_relaxed(slots + r * call.slot_cells + i);
#pragma unroll
            for (int r = 0; r < RANKS; r++)
                missing |= (u32)!has_come(got[r]) << r;
            missing &= wanted;
            if (missing == 0)
                break;
            going = !patience.is_over(view, epoch, missing);
        }
#pragma unroll
        for (int r = 0; r < RANKS; r++)
            if (wanted >> r & 1) {
                // Ordered before the sender's next store here by the grid boundary, see arena.cuh.
                if (going)
                    store_relaxed(slots + r * call.slot_cells + i, poison<Pair>());
                write_bytes(output + call.receive_offset[r], i, call.receive_bytes[r], going ? (u32)got[r].word[0] | got[r].word[1] << 32 : 0);
            }
    }
    leave(view);
}

extern "C" __global__ void TWO_A_MULTIPROCESSOR KERNEL(const __grid_constant__ Exchange call) { exchange<WORLD_SIZE>(call); }
