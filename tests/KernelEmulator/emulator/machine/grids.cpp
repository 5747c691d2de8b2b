// When grids and their blocks start and end.
#include <cstring>
#include "../harness/failure.hpp"
#include "../memory/weak.hpp"
#include "machine.hpp"

namespace emulator {

static const u64 NEVER = ~0ull;

static void thread_main()
{
    machine.current->block->grid->launch.kernel();
    machine.end_of_thread();
}

void Machine::enqueue(u32 rank, Launch launch)
{
    auto grid = std::make_unique<Grid>();
    grid->rank = rank;
    grid->number = enqueued[rank]++;
    grid->launch = std::move(launch);
    if (grid->launch.blocks > setting.blocks || grid->launch.threads > setting.threads)
        fail(Verdict::Crash, "a grid of %u blocks of %u threads in a case for %u of %u", grid->launch.blocks, grid->launch.threads, setting.blocks, setting.threads);
    streams[rank].push_back(std::move(grid));
}

bool Machine::may_start(const Grid &grid, u32 rank, size_t place) const
{
    if (grid.started)
        return false;
    if (place == 0)
        return true;
    if (!grid.launch.dependent || place >= setting.overlap)
        return false;
    const Grid &before = *streams[rank][place - 1];
    if (!before.started)
        return false;
    for (const Block &block : before.blocks)
        if (!block.may_go_on)
            return false;
    return true;
}

bool Machine::previous_ended(const Grid &grid) const { return streams[grid.rank].front().get() == &grid; }

void Machine::prepare(Grid &grid)
{
    if (grid.prepared || !previous_ended(grid))
        return;
    grid.prepared = true;
    if (grid.launch.before)
        grid.launch.before();
}

void Machine::start(Grid &grid)
{
    const Launch &launch = grid.launch;
    grid.started = true;
    last_progress = steps;
    prepare(grid);
    if (setting.model == Model::Weak) {
        // A grid that may start early knows no more than the one before it did at its start.
        grid.start_clock = launch.dependent && grid.number > 0 ? start_clocks[grid.rank] : clocks[grid.rank];
        weak_memory.host_joins(grid.start_clock);
        grid.start_snapshot = weak_memory.snapshot(grid.start_clock.data());
        start_clocks[grid.rank] = grid.start_clock;
    }
    if (launch.blocks % launch.cluster != 0)
        fail(Verdict::Crash, "a grid of %u blocks in clusters of %u", launch.blocks, launch.cluster);
    grid.blocks.resize(launch.blocks);
    grid.clusters.resize(launch.blocks / launch.cluster);
    grid.blocks_left = launch.blocks;
    for (u32 i = 0; i < launch.blocks; i++) {
        Block &block = grid.blocks[i];
        block.grid = &grid;
        block.index = i;
        block.start_at = lateness == 0 || random.one_in(2) ? 0 : steps + random.magnitude(lateness);
        if (lateness && random.one_in(8))
            block.start_at = NEVER;
        // Its threads need not do anything for long.
        if (i % launch.cluster != 0)
            block.start_at = grid.blocks[i - 1].start_at;
    }
}

void Machine::start(Block &block)
{
    Grid &grid = *block.grid;
    block.started = true;
    for (u32 first = block.index / grid.launch.cluster * grid.launch.cluster, i = first; i < first + grid.launch.cluster; i++)
        if (!grid.blocks[i].started)
            start(grid.blocks[i]);
    last_progress = steps;
    block.live = grid.launch.threads;
    block.words.assign(grid.launch.block_words, SharedWord{});
    for (SharedWord &word : block.words)
        word.value = (u32)random.next();
    block.warps.resize((block.live + 31) / 32);
    for (u32 i = 0; i < grid.launch.threads; i++) {
        if (spare.empty()) {
            threads.push_back(std::make_unique<Thread>());
            spare.push_back(threads.back().get());
        }
        Thread *thread = spare.back();
        spare.pop_back();
        thread->block = &block;
        thread->rank = grid.rank;
        thread->index = i;
        thread->slot = 1 + ((grid.number % setting.overlap * setting.ranks + grid.rank) * setting.blocks + block.index) * setting.threads + i;
        thread->place = {};
        thread->ended = false;
        thread->shuffles = thread->arrived = 0;
        thread->awaited = 0;
        memset(thread->traced, 0, sizeof thread->traced);
        thread->fiber.prepare(thread_main);
        if (setting.model == Model::Weak)
            weak_memory.begin(*thread, grid.start_clock, grid.start_snapshot);
        block.threads.push_back(thread);
        scheduler.add(thread);
    }
}

void Machine::finish(Thread &thread)
{
    Block &block = *thread.block;
    Grid &grid = *block.grid;
    last_progress = steps;
    if (setting.model == Model::Weak)
        weak_memory.end(thread, clocks[grid.rank]);
    if (--block.live > 0)
        return;
    block.may_go_on = true;
    for (Thread *each : block.threads)
        spare.push_back(each);
    block.threads.clear();
    if (--grid.blocks_left == 0)
        finish(grid);
    next_look = 0;
}

void Machine::finish(Grid &grid)
{
    grid.ended = true;
    auto &stream = streams[grid.rank];
    while (!stream.empty() && stream.front()->ended) {
        if (stream.front()->launch.after)
            stream.front()->launch.after();
        stream.pop_front();
    }
    if (!stream.empty()) {
        if (stream.front()->started)
            prepare(*stream.front());
        for (Thread *thread : stream.front()->waiting)
            scheduler.add(thread);
        stream.front()->waiting.clear();
    }
}

}  // namespace emulator
