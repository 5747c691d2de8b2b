// All-reduce, residual and RMSNorm of a few rows in one kernel: the one-shot all-reduce, a cluster of blocks a row, each rank normalising all rows. While there are few, a row's
// threads are spread over many multiprocessors: what they issue is most of the time.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8) and ELEMENT (Float32, Float16 or BFloat16) defined. Block memory: BLOCK_WORDS, or CLUSTER_WORDS where blocks share a row.
#include "rms_norm.cuh"

// A half holds, for each rank, all cells of all rows. There is a row at least, so each rank hears from every other one.
template <int RANKS, typename Element>
DEVICE void one_shot(const AllReduceRmsNorm &call)
{
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    Normaliser<Element> own(call.norm);
    u64 rows = call.norm.rows, cells = own.cells, all = rows * cells;

    // All rows of this cluster before it waits for one: nobody waits for a block that waits.
    if (going)
        for (u64 row = own.first_row(); row < rows; row += own.rows_at_once())
            for (u32 i = own.thread; i < cells; i += own.threads) {
                Packet input = own.input(row, i);
#pragma unroll
                for (int hop = 1; hop < RANKS; hop++) {
                    u32 peer = (view.rank + hop) % RANKS;
                    store_relaxed(half_of<Packet>(view, peer, epoch) + view.rank * all + row * cells + i, input);
                }
            }

    own.read_weight();
    // The output may be the input: a thread writes only where it has read, in rows that it has pushed and received.
    for (u64 row = own.first_row(); row < rows; row += own.rows_at_once()) {
        Packet first[1] = {};
        float squares[1] = {};
        for (u32 i = own.thread; i < cells; i += own.threads) {
            // Before the wait, which hides it.
            Packet input = own.input(row, i), residual = own.residual(row, i), x = Nothing<Element>::cell();
            if (going) {
                Packet got[RANKS];
                going = receive<RANKS>(view, epoch, half_of<Packet>(view, view.rank, epoch) + row * cells + i, all, input, got);
                if (going)
                    x = add_residual<Element>(reduce<RANKS, Element, Sum>(got), residual);
            }
            own.write_sum(row, i, x);
            squares[0] = add_squares<Element>(squares[0], x);
            if (i == own.thread)
                first[0] = x;
        }
        // Also by threads that have left: the barriers inside are all threads', and what has not come makes the whole row NaN.
        finish_rows<Element>(own, row, 0, first, squares);
    }
    leave(view);
}

extern "C" __global__ void __launch_bounds__(WORLD_SIZE > 4 ? 512 : 1024, 1) KERNEL(const __grid_constant__ AllReduceRmsNorm call) { one_shot<WORLD_SIZE, ELEMENT>(call); }
