#define KERNEL all_reduce_rms_norm
#include "all_reduce_rms_norm_two_shot.cu"
#include "harness/rms_norm.hpp"

static void one_case(Case &of)
{
    Grids grids = begin(of, false);
    RmsNorms(of, 2 * WORLD_SIZE * ((MOST_ROWS + WORLD_SIZE - 1) / WORLD_SIZE) * (MOST_CELLS / MOST_ROWS), grids).run([](const View &view, const RmsNorm &norm) { all_reduce_rms_norm(AllReduceRmsNorm{view, norm}); });
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
