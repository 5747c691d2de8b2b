#include "scheduler.hpp"

namespace emulator {

// A thread that has not changed anything for so many steps is taken to be waiting.
static const u32 IDLE = 48;

const char *name_of(Strategy strategy)
{
    static const char *const names[] = {"random", "starve-rank", "starve-block", "greedy-rank", "few-switches", "any"};
    return names[(int)strategy];
}

void Scheduler::reset(Strategy with, u32 of_ranks, u64 seed)
{
    for (std::vector<Thread *> &list : lists)
        list.clear();
    total = 0;
    ranks = of_ranks;
    fair = changed = false;
    held = 0;
    random.state = seed;
    strategy = with == Strategy::Any ? (Strategy)random.below((u32)Strategy::Any) : with;
    victim_rank = random.below(ranks);
    victim_block = random.below(3);
    static const u32 bursts[] = {1, 1, 4, 16};
    mean_burst = bursts[random.below(4)];
    burst = 0;
    favourite = random.below(ranks);
    favourite_idle = 0;
    to_switch = random.magnitude(14);
    lowest = 1ull << 40;
}

std::string Scheduler::describe() const
{
    std::string text = name_of(strategy);
    if (strategy == Strategy::StarveRank || strategy == Strategy::StarveBlock)
        text += " (rank " + std::to_string(victim_rank) + (strategy == Strategy::StarveBlock ? ", block " + std::to_string(victim_block) : "") + ")";
    return text;
}

void Scheduler::add(Thread *thread)
{
    std::vector<Thread *> &list = lists[thread->rank];
    thread->runnable = (int)list.size();
    list.push_back(thread);
    total++;
    changed = true;
    thread->idle = 0;
    thread->priority = (1ull << 40) + (random.next() >> 30);
}

void Scheduler::remove(Thread *thread)
{
    std::vector<Thread *> &list = lists[thread->rank];
    Thread *last = list.back();
    list[thread->runnable] = last;
    last->runnable = thread->runnable;
    thread->runnable = -1;
    list.pop_back();
    total--;
    burst = 0;
}

Thread *Scheduler::any()
{
    u32 n = random.below(total);
    for (std::vector<Thread *> &list : lists) {
        if (n < list.size())
            return list[n];
        n -= (u32)list.size();
    }
    return nullptr;
}

Thread *Scheduler::any_but_victims(bool block)
{
    Thread *thread = any();
    for (int i = 0; i < 12 && thread->rank == victim_rank && (!block || thread->block->index == victim_block); i++)
        thread = any();
    return thread;
}

// One rank as far as it can go: until all its threads wait.
Thread *Scheduler::greedy()
{
    std::vector<Thread *> *list = &lists[favourite];
    for (int i = 0; list->empty() || favourite_idle > IDLE * list->size(); i++) {
        favourite = (favourite + 1 + random.below(ranks)) % ranks;
        favourite_idle = 0;
        list = &lists[favourite];
        if (i == 16)
            return any();
    }
    Thread *thread = (*list)[random.below((u32)list->size())];
    favourite_idle = thread->idle == 0 ? 0 : favourite_idle + 1;
    return thread;
}

// Probabilistic concurrency testing: the thread of the highest priority runs, except that a few times at random and when it waits it falls below all others.
Thread *Scheduler::by_priority(Thread *current)
{
    if (current && current->runnable >= 0) {
        bool waits = current->idle >= IDLE, tired = to_switch == 0;
        if (!waits && !tired && !changed) {
            to_switch--;
            return current;
        }
        if (waits || tired) {
            current->priority = --lowest;
            current->idle = 0;
        }
        if (tired)
            to_switch = random.magnitude(14);
    }
    changed = false;
    Thread *best = nullptr;
    for (std::vector<Thread *> &list : lists)
        for (Thread *thread : list)
            if (!best || thread->priority > best->priority)
                best = thread;
    return best;
}

Thread *Scheduler::pick(Thread *current)
{
    if (total == 0)
        return nullptr;
    Thread *thread = choose(current);
    if (held == 0)
        return thread;
    held--;
    for (int i = 0; i < 32 && thread->rank == held_rank; i++)
        thread = any();
    return thread;
}

Thread *Scheduler::choose(Thread *current)
{
    if (fair)
        return any();
    if (strategy == Strategy::FewSwitches)
        return by_priority(current);
    if (burst > 0 && current && current->runnable >= 0) {
        burst--;
        return current;
    }
    burst = mean_burst == 1 ? 0 : random.below(2 * mean_burst);
    switch (strategy) {
    case Strategy::StarveRank:
        return any_but_victims(false);
    case Strategy::StarveBlock:
        return any_but_victims(true);
    case Strategy::GreedyRank:
        return greedy();
    default:
        return any();
    }
}

}  // namespace emulator
