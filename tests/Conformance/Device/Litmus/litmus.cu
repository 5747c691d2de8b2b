// Litmus tests on GPUs: a block is a rank's side of a case, and its case of the next round lies elsewhere. The ranks of a test begin a case at nearly the same time, at random distances; nothing orders what they do before or after it.
#include "device.cuh"
#include "litmus_shared.cuh"

// Of what a rank's memory holds, in this order and in words of 64 bits: three words a case, 32 bytes apart; a word from each other rank to each block; a packet for each case, twice; counters.
struct LitmusArguments {
    u64 *memory[4];  // of each rank of the test
    u32 test, rank, ranks, grids, threads, grid, rounds, blocks;
    u64 seed, patience;  // nanoseconds
};

static const u32 LITMUS_OUTCOMES = 10000;  // four digits; the last one: it did not end
static const u32 LITMUS_LANES = 32;        // one of a warp is a thread of the test

struct LitmusLayout {
    const LitmusArguments &of;

    DEVICE u64 cases() const { return (u64)of.rounds * of.blocks; }

    DEVICE u64 *word(u32 rank, u32 area, u64 number) const { return of.memory[rank] + (area * cases() + number) * 4; }

    DEVICE u64 *meeting(u32 rank, u32 from, u32 block) const { return word(rank, 3, 0) + ((u64)from * of.blocks + block) * 4; }

    DEVICE Packet *result(u32 rank, u32 part, u64 number) const { return (Packet *)(meeting(rank, 4, 0) + (part * cases() + number) * 2); }

    DEVICE u64 *counter(u32 rank, u32 outcome) const { return (u64 *)result(rank, 2, 0) + outcome; }
};

DEVICE u64 litmus_random(u64 seed)
{
    u64 z = seed + 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

// Each word lies on any of the ranks.
DEVICE LitmusWords litmus_words(const LitmusLayout &at, u64 number, u64 deadline)
{
    u64 random = litmus_random(at.of.seed + number);
    u64 *of_area[3];
    for (u32 area = 0; area < 3; area++)
        of_area[area] = at.word((u32)(random >> (16 * area)) % 0x10000 % at.of.ranks, area, number);
    return LitmusWords{of_area[0], of_area[1], of_area[2], (Packet *)of_area[0], deadline};
}

// Relaxed: it is no part of what is tested, and must not order it.
DEVICE bool litmus_meet(const LitmusLayout &at, u32 thread, u32 round, u64 deadline)
{
    const LitmusArguments &of = at.of;
    LitmusWords late = {nullptr, nullptr, nullptr, nullptr, deadline};
    for (u32 other = 0; other < of.ranks; other++)
        if (other != of.rank && thread == 0)
            store_relaxed(at.meeting(other, of.rank, block_in_grid()), (u64)round + 1);
    for (u32 other = 0; other < of.ranks; other++)
        for (u32 polls = 0; other != of.rank && load_relaxed(at.meeting(of.rank, other, block_in_grid())) < round + 1;)
            if (late.is_late(polls))
                return false;
    return true;
}

// From nothing to some microseconds, short ones as often as long ones. Never 0, which the compiler does not know.
DEVICE u64 litmus_pause(u64 random)
{
    u32 steps = (u32)random & ((1u << (random >> 32) % 10) - 1);
    u64 state = random | 1;
#pragma unroll 1
    for (u32 i = 0; i < steps; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    return state;
}

extern "C" __global__ void __launch_bounds__(64) litmus(const __grid_constant__ LitmusArguments of)
{
    u32 thread = thread_in_block() / LITMUS_LANES;
    if (thread_in_block() % LITMUS_LANES != 0)
        return;
    LitmusLayout at = {of};
    u64 deadline = nanoseconds() + of.patience;
    for (u32 round = 0; round < of.rounds; round++) {
        // What a grid of several waits for may be the other rank's next one: they don't meet.
        if (of.grids == 1 && !litmus_meet(at, thread, round, deadline))
            return;
        u64 number = (u64)round * blocks_in_grid() + block_in_grid();
        LitmusWords words = litmus_words(at, number, deadline);
        u32 r[4] = {0, 0, 0, 0}, test = 0;
        if (litmus_pause(litmus_random(~of.seed + number * 8 + of.rank * 2 + thread)) == 0)
            return;
#define RUN_TEST(type, name, results, ranks, grids, threads, ordered, weak) \
    if (of.test == test++) \
        type::run(words, of.rank, of.grid, thread, r);
        LITMUS_TESTS(RUN_TEST)
        // One more than the result: zero is a case that has not ended.
        write_packet(at.result(of.rank, of.grid + thread, number), Packet{{r[0] + 1, r[1] + 1, r[2] + 1, r[3] + 1}});
    }
}

// When the test's grids have ended on all ranks, by one of them.
extern "C" __global__ void __launch_bounds__(64) litmus_count(const __grid_constant__ LitmusArguments of)
{
    LitmusLayout at = {of};
    u32 parts = of.grids > of.threads ? of.grids : of.threads, digits = 1;
    for (u64 number = (u64)block_in_grid() * threads_in_block() + thread_in_block(); number < at.cases(); number += (u64)blocks_in_grid() * threads_in_block()) {
        u32 r[4] = {0, 0, 0, 0}, test = 0, outcome = 0;
        bool ended = true;
        for (u32 rank = 0; rank < of.ranks; rank++)
            for (u32 part = 0; part < parts; part++) {
                Packet found = read_packet(at.result(rank, part, number));
                for (u32 i = 0; i < 4; i++) {
                    ended &= found.word[i] != 0;
                    r[i] = found.word[i] > r[i] + 1 ? found.word[i] - 1 : r[i];
                }
            }
        LitmusWords words = litmus_words(at, number, 0);
#define FINISH_TEST(type, name, results, ranks, grids, threads, ordered, weak) \
    if (of.test == test++) { \
        type::last(words, r); \
        digits = results; \
    }
        LITMUS_TESTS(FINISH_TEST)
        for (u32 i = 0; i < digits; i++)
            outcome = outcome * 10 + (r[i] < 9 ? r[i] : 9);
        add_relaxed(at.counter(of.rank, ended ? outcome : LITMUS_OUTCOMES - 1), 1);
    }
}
