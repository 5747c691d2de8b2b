// All-reduce, residual and RMSNorm of a few rows in one kernel: the one-shot all-reduce, a block a row, each rank normalising all rows.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8), ELEMENT (Float16 or BFloat16) and QUANTISATION (of rms_norm.cuh) defined. Block memory: a word for each warp.
#include "rms_norm.cuh"

template <int RANKS, typename Element, int QUANTISE>
DEVICE void one_shot(const AllReduceRmsNorm &call)
{
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    u64 cells = call.columns / Element::IN_CELL, all = call.rows * cells;
    const Packet *input = (const Packet *)call.input;

    if (going)
        for (u64 row = block_in_grid(); row < call.rows; row += blocks_in_grid())
            for (u64 i = row * cells + thread_in_block(); i < (row + 1) * cells; i += threads_in_block()) {
                Packet own = as_sent<Element>(read_packet(input + i));
#pragma unroll
                for (int hop = 1; hop < RANKS; hop++) {
                    u32 peer = (view.rank + hop) % RANKS;
                    store_relaxed(half_of<Packet>(view, peer, epoch) + view.rank * all + i, own);
                }
            }

    for (u64 row = block_in_grid(); row < call.rows; row += blocks_in_grid()) {
        float squares = 0;
        for (u64 i = row * cells + thread_in_block(); i < (row + 1) * cells; i += threads_in_block()) {
            Packet x = Nothing<Element>::cell();
            if (going) {
                Packet got[RANKS];
                going = receive<RANKS>(view, epoch, half_of<Packet>(view, view.rank, epoch) + i, all, as_sent<Element>(read_packet(input + i)), got);
                if (going)
                    x = add_residual<Element>(reduce<RANKS, Element, Sum>(got), read_packet((const Packet *)call.residual + i));
            }
            write_packet((Packet *)call.sum + i, x);
            squares = add_squares<Element>(squares, x);
        }
        finish_row<Element, QUANTISE>(call, row, squares);
    }
    leave(view);
}

extern "C" __global__ void __launch_bounds__(WORLD_SIZE > 4 ? 512 : 1024, 1) KERNEL(const __grid_constant__ AllReduceRmsNorm call) { one_shot<WORLD_SIZE, ELEMENT, QUANTISATION>(call); }
