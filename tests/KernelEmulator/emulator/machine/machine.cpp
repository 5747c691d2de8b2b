#include "machine.hpp"
#include <cstdio>
#include <cstring>
#include "../harness/failure.hpp"
#include "../memory/weak.hpp"

namespace emulator {

Machine machine;

static const u64 NEVER = ~0ull;
static const u64 BETWEEN_LOOKS = 64;
// Steps for each thread that can run, without anybody's progress: then turns are fair and all stores visible; something that is late is let go; nobody gets on.
static const u64 CALM = 16, HURRY = 64, STUCK = 320;
// More steps in one case are a livelock.
static const u64 MOST_STEPS = 20'000'000;
static const u32 MOST_JUMPS = 1024;

static void thread_main()
{
    machine.current->block->grid->launch.kernel();
    machine.end_of_thread();
}

void Machine::reset(const Setting &with)
{
    setting = with;
    random.state = setting.seed ^ 0x6D616368696E65;
    for (auto &stream : streams)
        stream.clear();
    actions.clear();
    spare.clear();
    for (auto &thread : threads)
        spare.push_back(thread.get());
    scheduler.reset(setting.strategy, setting.ranks, random.next());
    u32 slots = setting.ranks * setting.overlap * setting.blocks * setting.threads + 1;
    if (setting.model == Model::Weak)
        weak_memory.reset(slots, setting.ranks, random.next());
    for (u32 rank = 0; rank < setting.ranks; rank++) {
        clocks[rank].assign(slots, 0);
        enqueued[rank] = 0;
    }
    all_steps += steps;
    steps = next_look = last_progress = 0;
    nanoseconds = 1'000'000'000;
    patience = 0;
    jumps = 0;
    static const u32 bits[] = {0, 4, 8, 12};
    lateness = setting.late_blocks ? bits[random.below(4)] : 0;
}

std::string Machine::describe() const
{
    std::string text = std::string(setting.model == Model::Weak ? "weak memory" : "sequentially consistent") + ", " + scheduler.describe() + ", vectors arrive by " + std::to_string(setting.together) + " bytes";
    if (setting.model == Model::Weak)
        text += ", " + weak_memory.describe();
    return text;
}

std::string Machine::position(const Thread &thread) const
{
    const char *file = thread.place.file ? thread.place.file : "";
    for (const char *c = file; *c; c++)
        if (*c == '/')
            file = c + 1;
    char text[256];
    int length = snprintf(text, sizeof text, "rank %u, grid %u, block %u, thread %u: ", thread.rank, thread.block->grid->number, thread.block->index, thread.index);
    if (thread.place.operation)
        snprintf(text + length, sizeof text - length, "%s at %s:%d", thread.place.operation, file, thread.place.line);
    else
        snprintf(text + length, sizeof text - length, "at its beginning");
    return text;
}

std::string Machine::positions() const
{
    std::string text;
    for (u32 rank = 0; rank < setting.ranks; rank++) {
        for (auto &grid : streams[rank])
            for (auto &block : grid->blocks) {
                if (!block.started)
                    text += "  rank " + std::to_string(rank) + ", grid " + std::to_string(grid->number) + ", block " + std::to_string(block.index) + ": not started\n";
                for (Thread *thread : block.threads)
                    if (!thread->ended)
                        text += "  " + position(*thread) + (thread->runnable < 0 ? ", waiting for other threads" : "") + "\n";
            }
        if (streams[rank].empty())
            text += "  rank " + std::to_string(rank) + ": all its grids have ended\n";
    }
    return text;
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
    grid.blocks.resize(launch.blocks);
    grid.blocks_left = launch.blocks;
    for (u32 i = 0; i < launch.blocks; i++) {
        Block &block = grid.blocks[i];
        block.grid = &grid;
        block.index = i;
        block.start_at = lateness == 0 || random.one_in(2) ? 0 : steps + random.magnitude(lateness);
        if (lateness && random.one_in(8))
            block.start_at = NEVER;
    }
}

void Machine::start(Block &block)
{
    Grid &grid = *block.grid;
    block.started = true;
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
        thread->shuffles = 0;
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

// Starts what is due.
void Machine::look()
{
    next_look = steps + BETWEEN_LOOKS;
    for (u32 rank = 0; rank < setting.ranks; rank++)
        for (size_t i = 0; i < streams[rank].size() && i < setting.overlap; i++) {
            Grid &grid = *streams[rank][i];
            if (may_start(grid, rank, i)) {
                if (grid.could_start == 0)
                    grid.could_start = steps + 1;
                if (steps + 1 >= grid.could_start + grid.launch.delay)
                    start(grid);
            }
            if (grid.started)
                for (Block &block : grid.blocks)
                    if (!block.started && block.start_at <= steps)
                        start(block);
        }
    for (size_t i = 0; i < actions.size(); i++)
        if (actions[i].step <= steps) {
            auto action = std::move(actions[i].run);
            actions.erase(actions.begin() + i--);
            last_progress = steps;
            action();
        }
    if (done())
        return;
    u64 quiet = steps - last_progress, runnable = scheduler.count();
    bool fair = quiet > CALM * runnable + 256;
    scheduler.set_fair(fair);
    weak_memory.forced = fair;
    if (runnable == 0 || quiet > HURRY * runnable + 1024) {
        if (!hurry() && (runnable == 0 || quiet > STUCK * runnable + 4096))
            stuck();
    }
    if (steps > MOST_STEPS)
        fail(Verdict::Deadlock, "livelock: no end after %llu steps", steps);
}

// Lets something go that was to be late. False: there is nothing.
bool Machine::hurry()
{
    std::vector<std::function<void()>> late;
    for (u32 rank = 0; rank < setting.ranks; rank++)
        for (size_t i = 0; i < streams[rank].size() && i < setting.overlap; i++) {
            Grid &grid = *streams[rank][i];
            if (may_start(grid, rank, i))
                late.push_back([this, &grid] { start(grid); });
            if (grid.started)
                for (Block &block : grid.blocks)
                    if (!block.started)
                        late.push_back([this, &block] { start(block); });
        }
    for (size_t i = 0; i < actions.size(); i++)
        late.push_back([this, i] {
            auto action = std::move(actions[i].run);
            actions.erase(actions.begin() + i);
            action();
        });
    if (late.empty())
        return false;
    last_progress = steps;
    late[random.below((u32)late.size())]();
    next_look = 0;
    return true;
}

void Machine::stuck()
{
    if (patience == 0 || scheduler.count() == 0 || jumps == MOST_JUMPS)
        fail(Verdict::Deadlock, "deadlock: nobody gets on");
    jumps++;
    nanoseconds += patience;
    last_progress = steps;
}

bool Machine::done() const
{
    bool all = actions.empty();
    for (u32 rank = 0; rank < setting.ranks; rank++)
        all &= streams[rank].empty();
    return all;
}

void Machine::run()
{
    while (!done()) {
        if (steps >= next_look || scheduler.count() == 0)
            look();
        current = scheduler.pick(nullptr);
        if (!current)
            continue;
        emulator_switch(&main_stack, current->fiber.stack_pointer);
        Thread *last = current;
        current = nullptr;
        if (last->ended)
            finish(*last);
    }
}

void Machine::step(const Place &place)
{
    Thread *thread = current;
    thread->place = place;
    thread->idle++;
    if (++steps >= next_look) {
        emulator_switch(&thread->fiber.stack_pointer, main_stack);
        return;
    }
    Thread *next = scheduler.pick(thread);
    if (next == thread)
        return;
    current = next;
    emulator_switch(&thread->fiber.stack_pointer, next->fiber.stack_pointer);
}

void Machine::wait()
{
    Thread *thread = current;
    scheduler.remove(thread);
    Thread *next = scheduler.pick(nullptr);
    void *to = main_stack;
    if (next) {
        current = next;
        to = next->fiber.stack_pointer;
    }
    emulator_switch(&thread->fiber.stack_pointer, to);
}

void Machine::end_of_thread()
{
    current->ended = true;
    scheduler.remove(current);
    emulator_switch(&current->fiber.stack_pointer, main_stack);
    __builtin_unreachable();
}

}  // namespace emulator
