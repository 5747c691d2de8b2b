#define KERNEL one_shot_step
#include "all_reduce_one_shot.cu"
#undef KERNEL
#define KERNEL windowed_step
#include "all_reduce_windowed.cu"
#undef KERNEL
#define KERNEL registered_step
#include "all_reduce_registered.cu"
#include "harness/registered.hpp"

using namespace emulator;

// Calls of kernels that use credits and halves in other ways come between.
struct AllReduces : RegisteredCalls {
    using RegisteredCalls::RegisteredCalls;

    void enqueue_windowed(u32 rank, u32 number) override
    {
        AllReduce arguments = {arena.view[rank], input_of(rank, number), output_of(rank, number), calls[number].count};
        enqueue_kernel(rank, number, [arguments] { windowed_step(arguments); });
    }
};

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 2 : 4);
    Setting setting = of.setting(WORLD_SIZE, blocks, threads);
    setting.overlap = 2;
    machine.reset(setting);
    u64 cells = 1 + of.random.below(WORLD_SIZE > 4 ? 40 : 16 * WORLD_SIZE), rings = 2 * RING * blocks * threads, half = WORLD_SIZE * (cells > rings ? cells : rings) * sizeof(ELEMENT::Cell);
    AllReduces(of, {AllReduces::REGISTERED, AllReduces::REGISTERED, AllReduces::REGISTERED, AllReduces::ONE_SHOT, AllReduces::WINDOWED}, 1, cells, half, blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
