#pragma once
#include <string>
#include <vector>
#include "../machine/grid.hpp"
#include "../machine/random.hpp"

namespace emulator {

// The PTX memory model as an operational one. Every word has the history of its stores in coherence order; a store takes any place in it behind those that happen before it, and a load any store that is not superseded by
// one that happens before it or that it has observed through others. What happens before is a vector clock for every thread; a release leaves its clock in its store, and an acquire takes it from there.
//
// A load that takes effect later than its thread's next stores is LateLoad's. Left out: histories forget all but the last stores, which allows less, never more.
class WeakMemory {
  public:
    void reset(u32 slots, u32 ranks, u64 seed);
    std::string describe() const;

    void load(Thread &thread, u32 word, u32 *value, u32 words, u32 parts, bool acquire);
    void store(Thread &thread, u32 word, const u32 *value, u32 words, u32 parts, bool release);
    u64 update(Thread &thread, u32 word, u32 words, u64 operand, const u64 *expected);
    void fence(Thread &thread);

    // clock: what happened before the thread.
    void begin(Thread &thread, const std::vector<u32> &clock, u32 snapshot);
    // All that it did and saw is added to the clock.
    void end(Thread &thread, std::vector<u32> &clock);
    // As a fence, where bounds of grids are fences, and what is in the clock as well.
    void join(Thread &thread, const std::vector<u32> &clock);
    void barrier(const std::vector<Thread *> &threads);
    u32 snapshot(const u32 *clock);
    u32 snapshots_so_far() const { return snapshots; }

    // A store before its time, that nothing of the thread is known to have come to; part: what keep finds its words by.
    void promise(Thread &thread, u32 word, const u32 *value, u32 words, u32 parts, u32 *part);
    // The thread has come to it. False, and no change: then it cannot have been made before.
    bool keep(Thread &thread, u32 word, u32 words, const u32 *part);

    // The host is a thread of its own; what it did before a launch happens before the grid.
    void host_store(u32 word, const u32 *value, u32 words);
    void host_joins(std::vector<u32> &clock);

    // Every load sees the newest store.
    bool forced = false;
    // Of the last load: a newer store was there.
    bool stale = false;

  private:
    static const u32 LAST = 6;  // stores that a history holds
    static const u32 PROMISED = ~0u;  // a clock that nobody knows of
    struct Store {
        u32 value, part, clock, release, readers;
        u16 writer;
        u8 rank, update;  // update: directly behind the one before, which it has read
        u64 visible;      // a step: earlier it is seen only by chance
    };
    struct History {
        u32 generation, count;
        Store stores[LAST];
    };
    struct Reader {
        u32 clock, next;
        u16 thread;
    };

    History &history(u32 word);
    bool known(const Thread &thread, const Store &store) const;
    Store *find(u32 word, u32 part);
    u32 oldest(const Thread &thread, const History &history) const;
    u32 choose(const Thread &thread, const History &history);
    void observe(Thread &thread, Store &store, bool acquire);
    u32 behind(const Thread &thread, History *const *words, u32 count);
    void insert(History &history, u32 word, u32 newer, const Store &store);
    void take(u32 *clock, u32 snapshot);

    History *histories = nullptr;
    u32 generation = 0, width = 0, part = 0;
    Random random;
    std::vector<u32> clocks, observed;
    Thread host;
    std::vector<u32 *> chunks;
    u32 snapshots = 0;
    std::vector<Reader> readers;
    u32 free_reader = 0;
    u32 late_bits = 0, late_rank = 0, stray = 0;
};

extern WeakMemory weak_memory;

}  // namespace emulator
