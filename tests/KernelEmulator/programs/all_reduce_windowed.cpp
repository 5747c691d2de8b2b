#define KERNEL all_reduce
#include "all_reduce_windowed.cu"
#include "harness/all_reduce.hpp"

using namespace emulator;

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 2 : 4);
    u64 cells = 1 + of.random.below(WORLD_SIZE * 24), largest = cells * ELEMENT::IN_CELL - of.random.below(ELEMENT::IN_CELL);
    AllReduces calls(of, WORLD_SIZE, TEXT(ELEMENT), TEXT(OP), largest, 2 * RING * WORLD_SIZE * blocks * threads * sizeof(ELEMENT::Cell), blocks, threads, true);
    calls.run([](const View &view, const void *input, void *output, u64 count) { all_reduce(AllReduce{view, input, output, count}); });
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
