#include "machine.hpp"
#include <cstdio>
#include <csignal>
#include <cstring>
#include "../harness/failure.hpp"
#include "../memory/late_load.hpp"
#include "../memory/weak.hpp"

namespace emulator {

Machine machine;

static const u64 BETWEEN_LOOKS = 64;
// Steps for each thread that can run, without anybody's progress: then turns are fair and all stores visible; something that is late is let go; nobody gets on.
static const u64 CALM = 16, HURRY = 64, STUCK = 320;
// More steps in one case are a livelock.
static const u64 MOST_STEPS = 20'000'000;
static const u32 MOST_JUMPS = 1024;

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
        text += ", " + weak_memory.describe() + late_load.describe();
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
    if (late_load.waits())
        late.push_back([] { late_load.let_go(); });
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
        if (given_up)
            give_up();
        if (last->ended)
            finish(*last);
    }
    // Not all stores that were promised have been made.
    if (late_load.is_unproven())
        give_up();
}

void Machine::give_up()
{
    if (!current) {
        given_up = false;
        throw GivenUp{};
    }
    // Perhaps by a signal's handler, which does not return.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    given_up = true;
    emulator_switch(&current->fiber.stack_pointer, main_stack);
    __builtin_unreachable();
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
