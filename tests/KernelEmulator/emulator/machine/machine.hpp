#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include "grid.hpp"
#include "random.hpp"
#include "scheduler.hpp"

namespace emulator {

// A case's shape, all of which is settled before it runs.
struct Setting {
    Model model = Model::Sequential;
    Strategy strategy = Strategy::Any;
    u64 seed = 0;
    u32 ranks = 1, blocks = 1, threads = 1;  // of the largest grid
    u32 overlap = 1;                         // grids of a rank that run at once: more than one with dependent launches
    u32 together = 16;                       // bytes of a vector that arrive together: 4, 8 or 16
    bool late_blocks = true;                 // blocks may start late and in any order
    bool bounds_fence = true;                // weak: the start and the end of a grid are fences for peers too; else they order for its own device alone
};

// One GPU for each rank, with a stream on it.
class Machine {
  public:
    void reset(const Setting &setting);
    void enqueue(u32 rank, Launch launch);
    // By the host, after so many steps, or when nobody gets on without it.
    void at(u64 step, std::function<void()> action) { actions.push_back({step, std::move(action)}); }
    // Until all grids have ended and all actions are done. Ends the program when nobody gets on, except that then, with a patience, time goes on.
    void run();
    // Time stands still; only when nobody gets on it moves, by so much. 0: then it is a deadlock.
    u64 patience = 0;

    // One step of the current thread: others may come first.
    void step(const Place &place);
    void progress(Thread &thread)
    {
        thread.idle = 0;
        last_progress = steps;
    }
    // The current thread goes on when it is given to the scheduler again.
    void wait();
    void resume(Thread *thread) { scheduler.add(thread); }
    // Something may start that could not before.
    void look_soon() { next_look = 0; }
    [[noreturn]] void end_of_thread();
    // Ends run with GivenUp.
    [[noreturn]] void give_up();

    std::string describe() const;
    std::string position(const Thread &thread) const;
    // Of every thread that has not ended.
    std::string positions() const;

    Setting setting;
    Random random;
    Scheduler scheduler;
    Thread *current = nullptr;
    u64 steps = 0, all_steps = 0, nanoseconds = 0;
    bool previous_ended(const Grid &grid) const;
    const std::vector<u32> &stream_clock(u32 rank) const { return clocks[rank]; }

  private:
    struct Action {
        u64 step;
        std::function<void()> run;
    };
    void look();
    bool done() const;
    bool hurry();
    bool may_start(const Grid &grid, u32 rank, size_t place) const;
    void start(Grid &grid);
    void prepare(Grid &grid);
    void start(Block &block);
    void finish(Thread &thread);
    void finish(Grid &grid);
    void stuck();

    std::deque<std::unique_ptr<Grid>> streams[MAX_RANKS_HERE];
    u32 enqueued[MAX_RANKS_HERE] = {};
    std::vector<u32> clocks[MAX_RANKS_HERE], start_clocks[MAX_RANKS_HERE];
    std::vector<Action> actions;
    std::vector<std::unique_ptr<Thread>> threads;
    std::vector<Thread *> spare;
    void *main_stack = nullptr;
    u64 next_look = 0, last_progress = 0;
    u32 jumps = 0, lateness = 0;
    bool given_up = false;
};

extern Machine machine;

}  // namespace emulator
