#pragma once
#include <string>
#include <unordered_map>
#include <vector>
#include "../machine/grid.hpp"
#include "../machine/random.hpp"

namespace emulator {

// A run that stands on promises which its threads did not keep: it shows nothing.
struct GivenUp {};

// Load buffering: a load that takes effect after later stores of its thread, or of threads of its block behind a barrier. The load's value is known at once where the stores are not, so such a case runs again with the
// same seed. The first run notes a load that does not happen before another thread's later store to its word, and what the load's block stored in between without a release that covers the load. The second, at the load,
// makes those stores at once (promises) and lets the thread wait until the other store is there. It counts if every promise is kept: the thread comes to the same store of the same value, and nothing that has seen the
// promise, or that took its place in the word, happens before that. Promises that are not kept (their value depends on the load, say) are left out of a third run.
class LateLoad {
  public:
    void begin_case(u64 seed, bool weak);
    // After a run: once more.
    bool again(bool given_up);
    // Something may still be made up.
    bool is_unproven() const { return unproven; }
    std::string describe() const;
    // How many runs showed a late load.
    u64 shown() const { return kept; }

    // The hooks of weak memory; nothing where is_on is false.
    bool is_on() const { return phase != Phase::Off; }
    // True: what comes is this load, which has waited, and sees the newest store.
    bool loading(Thread &thread, u32 word, u32 words, bool acquire);
    // True: the store has been made.
    bool storing(Thread &thread, u32 word, const u32 *value, u32 words, u32 parts, bool release);
    void stored(Thread &thread, u32 word, u32 words);
    void read_own_promise(u32 part);
    // The load, if it waits for what may never come. False: it does not.
    bool waits() const { return waiting; }
    void let_go();

  private:
    enum class Phase { Off, Recording, Replaying };
    enum class State { Open, Kept, Broken };
    struct Stored {
        u32 thread, interval, fence, word, words, parts, value[4];
    };
    struct Load {
        u64 number, block;
        u32 slot, thread, clock, interval, fences, stores_before;
        Place place;
    };
    struct Promise {
        Stored store;
        State state = State::Open;
        u32 part[4] = {}, fence = 0;
    };
    void note_overwritten(Thread &thread, u32 word, u32 words);
    void promise(Thread &thread);

    Phase phase = Phase::Off;
    bool unproven = false;
    u64 loads = 0, candidates = 0, kept = 0;
    u32 tries = 0;
    Random random;
    std::unordered_map<u32, std::vector<Load>> of_word;     // each thread's newest
    std::unordered_map<u64, std::vector<Stored>> of_block;
    Load chosen = {};
    u32 rank = 0, overwritten = 0, writer = 0;
    std::vector<Promise> promises;
    Thread *waiting = nullptr;
};

extern LateLoad late_load;

}  // namespace emulator
