#pragma once
#include <string>
#include <vector>
#include "grid.hpp"
#include "random.hpp"

namespace emulator {

enum class Strategy { Random, StarveRank, StarveBlock, GreedyRank, FewSwitches, Any };

const char *name_of(Strategy strategy);

// Which thread takes the next step.
class Scheduler {
  public:
    // A case's strategy and what it needs by chance.
    void reset(Strategy strategy, u32 ranks, u64 seed);
    std::string describe() const;
    void add(Thread *thread);
    void remove(Thread *thread);
    u32 count() const { return total; }
    // nullptr: nobody can run.
    Thread *pick(Thread *current);
    // For so many picks another one runs if any can.
    void hold(u32 rank, u32 picks) { held_rank = rank, held = picks; }
    // Nobody has done anything for a while: from now on all threads take turns, until calm again.
    void set_fair(bool value) { fair = value; }

  private:
    Thread *choose(Thread *current);
    Thread *any();
    Thread *any_but_victims(bool block);
    Thread *greedy();
    Thread *by_priority(Thread *current);

    Strategy strategy = Strategy::Random;
    std::vector<Thread *> lists[MAX_RANKS_HERE];
    u32 ranks = 1, total = 0;
    Random random;
    bool fair = false, changed = false;
    u32 held_rank = 0, held = 0, victim_rank = 0, victim_block = 0, burst = 0, mean_burst = 1, favourite = 0, favourite_idle = 0;
    u64 to_switch = 0, lowest = 0;
};

}  // namespace emulator
