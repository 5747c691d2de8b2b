#pragma once
#include <functional>
#include <vector>
#include "fiber.hpp"
#include "types.hpp"

namespace emulator {

struct Block;
struct Grid;

// A CUDA thread.
struct Thread {
    Fiber fiber;
    Block *block = nullptr;
    u32 rank = 0, index = 0, slot = 0;  // slot: its component in vector clocks
    Place place = {};
    u32 arrived = 0;        // at its cluster's barrier: 1, and behind it: 2
    u64 awaited = 0;        // counters of its block: a bit for each word
    u32 idle = 0;           // steps since it last changed something
    int runnable = -1;      // its place in the scheduler's list
    u64 priority = 0;
    bool ended = false;
    u64 traced[16] = {};    // what the trace has of it last, by address
    u32 shuffles = 0, shuffled[2] = {};  // what it brought to the last two
    // For the weak model.
    u32 *clock = nullptr;   // what happened before
    u32 *observed = nullptr;  // what a fence would add to that: the clocks of releases that relaxed loads have seen
    u32 fence = 0;          // what its relaxed stores release: a clock's number, from its last fence
    u32 seen[MAX_RANKS_HERE] = {};
};

struct SharedWord {
    u32 value, writer, reader;
    u32 write_interval, read_interval;  // between barriers, from 1 on
    u32 counter;                        // 1 + that of another block's words, if it came by send_word
};

// Of words that blocks of the cluster send here.
struct Counter {
    u32 word, missing;
    std::vector<Thread *> waiting;
};

struct Block {
    Grid *grid = nullptr;
    u32 index = 0;
    u64 start_at = 0;
    bool started = false, may_go_on = false;  // may_go_on: let_next_grid_start, or ended
    std::vector<Thread *> threads, waiting;
    struct Warp {
        std::vector<Thread *> waiting;
    };
    std::vector<Warp> warps;
    u32 live = 0, interval = 1;
    bool any[2] = {};  // of block_barrier_or, by the interval's parity
    std::vector<SharedWord> words;
    std::vector<Counter> counters;
};

struct Cluster {
    u32 arrived = 0;
    std::vector<Thread *> waiting;
};

// A kernel's launch as a stream sees it.
struct Launch {
    std::function<void()> kernel;   // what each thread runs
    u32 blocks = 1, threads = 1, block_words = 0;
    u32 cluster = 1;                // blocks of a cluster, which start together
    bool dependent = false;         // may start when every block of the grid before has called let_next_grid_start
    u64 delay = 0;                  // steps, at least, from when it could start
    // On the stream. When the grid may start early, before is what its wait for the grid before waits for.
    std::function<void()> before = {}, after = {};
};

struct Grid {
    Launch launch;
    u32 rank = 0, number = 0;  // on its stream
    std::vector<Block> blocks;
    std::vector<Cluster> clusters;
    u32 blocks_left = 0;
    u64 could_start = 0;       // the step when its turn came; 0: not yet
    bool prepared = false, started = false, ended = false;
    std::vector<u32> start_clock;
    u32 start_snapshot = 0;
    std::vector<Thread *> waiting;  // in wait_for_previous_grid
};

}  // namespace emulator
