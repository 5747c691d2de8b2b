// All-reduce, residual and RMSNorm of many rows in one kernel: the two-shot all-reduce with a rank's part being whole rows. The owner adds the residual before it pushes the sum, every rank normalises all rows.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT (Float16 or BFloat16) and QUANTISATION (of rms_norm.cuh) defined. Block memory: a word for each warp.
#include "rms_norm.cuh"

template <int RANKS, typename Element, int QUANTISE>
DEVICE void two_shot(const AllReduceRmsNorm &call)
{
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    u64 cells = call.columns / Element::IN_CELL, rows = (call.rows + RANKS - 1) / RANKS, part = rows * cells, all = call.rows * cells;
    const Packet *input = (const Packet *)call.input;
    Packet *contributions = half_of<Packet>(view, view.rank, epoch), *results = contributions + RANKS * part;

    // All parts are equally long, with zeros behind the last row: see the two-shot all-reduce.
    if (going)
        for (u64 row = block_in_grid(); row < rows; row += blocks_in_grid())
            for (u64 i = row * cells + thread_in_block(); i < (row + 1) * cells; i += threads_in_block())
#pragma unroll
                for (int hop = 1; hop < RANKS; hop++) {
                    u32 owner = (view.rank + hop) % RANKS;
                    u64 from = owner * part + i;
                    store_relaxed(half_of<Packet>(view, owner, epoch) + view.rank * part + i, from < all ? as_sent<Element>(read_packet(input + from)) : Packet{});
                }

    for (u64 row = block_in_grid(); row < rows; row += blocks_in_grid())
        for (u64 i = row * cells + thread_in_block(); i < (row + 1) * cells; i += threads_in_block()) {
            u64 place = view.rank * part + i;
            bool is_there = place < all;
            Packet x = Nothing<Element>::cell();
            if (going) {
                Packet own = is_there ? as_sent<Element>(read_packet(input + place)) : Packet{}, got[RANKS];
                going = receive<RANKS>(view, epoch, contributions + i, part, own, got);
                if (going) {
                    x = reduce<RANKS, Element, Sum>(got);
                    if (is_there)
                        x = add_residual<Element>(x, read_packet((const Packet *)call.residual + place));
#pragma unroll
                    for (int hop = 1; hop < RANKS; hop++) {
                        u32 peer = (view.rank + hop) % RANKS;
                        store_relaxed(half_of<Packet>(view, peer, epoch) + (RANKS + view.rank) * part + i, x);
                    }
                }
            }
            if (is_there)
                write_packet((Packet *)call.sum + place, x);
        }

    for (u64 row = block_in_grid(); row < rows; row += blocks_in_grid()) {
        float squares[RANKS] = {};
        for (u64 i = row * cells + thread_in_block(); i < (row + 1) * cells; i += threads_in_block()) {
            // The own row was written by this thread.
            u64 place = view.rank * part + i;
            Packet own = place < all ? read_packet((const Packet *)call.sum + place) : Packet{}, got[RANKS];
            if (going)
                going = receive<RANKS>(view, epoch, results + i, part, own, got);
#pragma unroll
            for (int r = 0; r < RANKS; r++)
                if (r * part + i < all) {
                    Packet x = going ? got[r] : Nothing<Element>::cell();
                    if (r != view.rank)
                        write_packet((Packet *)call.sum + r * part + i, x);
                    squares[r] = add_squares<Element>(squares[r], x);
                }
        }
#pragma unroll
        for (int r = 0; r < RANKS; r++)
            if (r * rows + row < call.rows)
                finish_row<Element, QUANTISE>(call, r * rows + row, squares[r]);
    }
    leave(view);
}

extern "C" __global__ void __launch_bounds__(WORLD_SIZE > 4 ? 512 : 1024, 1) KERNEL(const __grid_constant__ AllReduceRmsNorm call) { two_shot<WORLD_SIZE, ELEMENT, QUANTISATION>(call); }
