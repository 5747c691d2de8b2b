// Consecutive all-reduces of a group, whatever kernel does them: sizes, buffers, inputs, what goes wrong, and what must come out.
#pragma once
#include <functional>
#include <vector>
#include "arena.hpp"
#include "reference.hpp"

namespace emulator {

class AllReduces {
  public:
    struct Call {
        u64 count;
        u32 blocks, threads, pair;  // pair: of buffers
    };
    // One rank's launch of one call.
    typedef std::function<void(const View &view, const void *input, void *output, u64 count)> Kernel;

    // largest: elements of a call at most. half_bytes: what that takes of the arena. blocks, threads: of a grid at most. dependent: the kernel waits for the grid before, and is launched so that it may overlap it.
    AllReduces(Case &of, u32 ranks, const char *element, const char *operation, u64 largest, u64 half_bytes, u32 blocks, u32 threads, bool dependent = false);
    // To the end, with all that is checked.
    void run(const Kernel &kernel);

  private:
    // ABORT: the group's word is set. STOPS: a rank does not begin a call, and none after it; the others leave at the deadline. STOPS_AND_ABORT: they leave by the word. LATE: it does after the others have left.
    enum Trouble { NONE, ABORT, STOPS, STOPS_AND_ABORT, LATE };
    struct Buffers {
        u8 *input, *output;
    };
    bool aborts() const { return trouble == ABORT || trouble == STOPS_AND_ABORT; }
    bool stops() const { return trouble == STOPS || trouble == STOPS_AND_ABORT; }
    // Of a rank, before it stops.
    u32 calls_of(u32 rank) const { return (stops() || trouble == LATE) && rank == victim ? from : (u32)calls.size(); }
    void make_inputs(u32 call);
    u64 element_of(u32 call, u32 rank, u64 index) const { return format.read(inputs[call][rank].data(), index); }
    void launch(u32 rank, u32 call, const Kernel &kernel);
    void before(u32 rank, u32 call);
    void after(u32 rank, u32 call);
    void check_fault(u32 rank);

    Case &of;
    u32 ranks;
    const Format &format;
    std::string operation;
    u64 largest;
    bool dependent;
    Trouble trouble = NONE;
    u32 victim = 0, from = 0;  // of trouble: the rank and its first call
    std::vector<Call> calls;
    std::vector<std::vector<std::vector<u8>>> inputs;  // by call and rank
    std::vector<std::vector<u64>> expected;            // by call
    std::vector<Buffers> buffers[MAX_RANKS];
    bool left[MAX_RANKS] = {};
    u32 ended = 0;
    std::vector<Arena> arena;  // one
    Kernel kernel;
};

}  // namespace emulator
