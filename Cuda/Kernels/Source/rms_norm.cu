// Residual and RMSNorm by themselves, behind an all-reduce that another kernel, or another library, has done: a block a row. Touches no memory that other ranks see.
//
// Compiled with KERNEL (its name), WORLD_SIZE (any: nothing depends on it) and ELEMENT (Float32, Float16 or BFloat16) defined. Block memory: BLOCK_WORDS.
#include "rms_norm.cuh"

template <typename Element>
DEVICE void norm(const RmsNorm &call)
{
    // In a programmatic dependent launch: nothing of the all-reduce, and nobody's use of what is written here, is known to be over before. Every thread waits, so this grid does not end before the one in front of it.
    wait_for_previous_grid();
    let_next_grid_start();
    Normaliser<Element> own(call);
    own.read_weight();
    for (u64 row = own.first_row(); row < call.rows; row += own.rows_at_once()) {
        Packet first[1] = {};
        float squares[1] = {};
        for (u32 i = own.thread; i < own.cells; i += own.threads) {
            Packet x = add_residual<Element>(own.input(row, i), own.residual(row, i));
            own.write_sum(row, i, x);
            squares[0] = add_squares<Element>(squares[0], x);
            if (i == own.thread)
                first[0] = x;
        }
        finish_rows<Element>(own, row, 0, first, squares);
    }
}

extern "C" __global__ void __launch_bounds__(1024, 1) KERNEL(const __grid_constant__ RmsNorm call) { norm<ELEMENT>(call); }
