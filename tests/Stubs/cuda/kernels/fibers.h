// A grid on one thread of the host: every CUDA thread is a fiber with a stack of its own, which runs until it waits. All blocks of a grid are there at once, as the kernels expect it of the device.
#pragma once
#include <cstddef>
#include <cstdint>

struct Block {
    unsigned index, waiting, left;
    unsigned long long generation;
    bool any, result;
    unsigned *words;
    unsigned arrived; // of a cluster's first block: threads that have come to the cluster's barrier
};

struct Fiber {
    void *stack_pointer;
    void *stack;
    Block *block;
    unsigned thread;
    bool done;
    bool at_barrier;
    unsigned long long generation; // of the barrier that it waits at
    // What it last loaded, by a load that may be a poll.
    const void *polled;
    unsigned long long found;
    unsigned shuffled[2];
    unsigned shuffles;
};

struct Grid {
    unsigned blocks, threads, cluster;
    Fiber *fibers;
    Block *all;
    Fiber *current;
    void *host_stack_pointer;
    void (*kernel)(const void *argument);
    const void *argument;
    bool progress;
};

Grid *current_grid();

static inline Fiber *current_fiber() { return current_grid()->current; }

// Lets the next fiber of the grid run.
void yield_fiber();

// A barrier of the block's fibers that have not ended; true if the value was true for one of them.
bool await_block(bool value);

unsigned shuffle_fibers(unsigned value, unsigned lanes);

// The first block of the current fiber's cluster.
static inline Block *current_cluster()
{
    Grid *grid = current_grid();
    return &grid->all[grid->current->block->index / grid->cluster * grid->cluster];
}

// Runs a kernel to its end.
void run_grid(unsigned blocks, unsigned threads, unsigned shared_bytes, unsigned cluster, void (*kernel)(const void *), const void *argument);
