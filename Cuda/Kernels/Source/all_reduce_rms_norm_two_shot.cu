// All-reduce, residual and RMSNorm of many rows in one kernel: the two-shot all-reduce with a rank's part being whole rows. The owner adds the residual before it pushes the sum, every rank normalises all rows.
//
// Compiled with KERNEL (its name), WORLD_SIZE (2 to 8) and ELEMENT (Float32, Float16 or BFloat16) defined. Block memory: BLOCK_WORDS for each rank.
#include "rms_norm.cuh"

// All parts are equally long, with zeros behind the last row: so each rank hears from every other one, however few rows there are. A half holds two cells of each part for each rank.
template <int RANKS, typename Element>
DEVICE void two_shot(const AllReduceRmsNorm &call)
{
    const View &view = call.view;
    u64 epoch = enter(view);
    bool going = !has_left(view);
    Normaliser<Element> own(call.norm);
    u32 all = (u32)call.norm.rows, rows = (all + RANKS - 1) / RANKS, cells = own.cells, part = rows * cells;
    // Both by the rank they come from: contributions to the own part, and the other owners' sums.
    Packet *contributions = half_of<Packet>(view, view.rank, epoch), *results = contributions + RANKS * part;

    if (going)
        for (u32 row = own.first_row(); row < rows; row += own.rows_at_once())
            for (u32 i = own.thread; i < cells; i += own.threads)
#pragma unroll
                for (int hop = 1; hop < RANKS; hop++) {
                    u32 owner = (view.rank + hop) % RANKS;
                    u32 from = owner * rows + row;
                    store_relaxed(half_of<Packet>(view, owner, epoch) + view.rank * part + row * cells + i, from < all ? own.input(from, i) : Packet{});
                }

    own.read_weight();
    // What this thread reads in a row, of input and residual, it has read before it writes there, here or below: both may be written in place.
    for (u32 row = own.first_row(); row < rows; row += own.rows_at_once())
        for (u32 i = own.thread; i < cells; i += own.threads) {
            u32 to = view.rank * rows + row;
            bool is_there = to < all;
            Packet input = {}, residual = {}, x = Nothing<Element>::cell();
            if (is_there) {
                input = own.input(to, i);
                residual = own.residual(to, i);
            }
            if (going) {
                Packet got[RANKS];
                going = receive<RANKS>(view, epoch, contributions + row * cells + i, part, input, got);
                if (going) {
                    x = add_residual<Element>(reduce<RANKS, Element, Sum>(got), residual);
#pragma unroll
                    for (int hop = 1; hop < RANKS; hop++) {
                        u32 peer = (view.rank + hop) % RANKS;
                        store_relaxed(half_of<Packet>(view, peer, epoch) + (RANKS + view.rank) * part + row * cells + i, x);
                    }
                }
            }
            if (is_there)
                own.write_sum(to, i, x);
        }

    // The same row of each part at once.
    for (u32 row = own.first_row(); row < rows; row += own.rows_at_once()) {
        Packet first[RANKS] = {};
        float squares[RANKS] = {};
        for (u32 i = own.thread; i < cells; i += own.threads) {
            u32 mine = view.rank * rows + row;
            // By this thread, above.
            Packet sum = mine < all ? own.read_sum(mine, i) : Packet{}, got[RANKS];
            if (going)
                going = receive<RANKS>(view, epoch, results + row * cells + i, part, sum, got);
#pragma unroll
            for (int r = 0; r < RANKS; r++)
                if (r * rows + row < all) {
                    Packet x = going ? got[r] : Nothing<Element>::cell();
                    if (r != view.rank)
                        own.write_sum(r * rows + row, i, x);
                    squares[r] = add_squares<Element>(squares[r], x);
                    if (i == own.thread)
                        first[r] = x;
                }
        }
        finish_rows<Element>(own, row, rows, first, squares);
    }
    leave(view);
}

extern "C" __global__ void __launch_bounds__(WORLD_SIZE > 4 ? 512 : 1024, 1) KERNEL(const __grid_constant__ AllReduceRmsNorm call) { two_shot<WORLD_SIZE, ELEMENT>(call); }
