// Consecutive calls of a group, whatever they do, and what goes wrong among them: who then leaves, from which call on, and what he tells. Included by programs: it needs arena.cuh.
#pragma once
#include <functional>
#include "arena.hpp"

namespace emulator {

class Sequence {
  public:
    // half_bytes: what the largest call takes of the arena. Comes after the machine's reset, whose patience it sets.
    Sequence(Case &of, u32 ranks, u32 calls, u64 half_bytes);
    // To the end, with all that is checked. make: one rank's launch of one call.
    void run(std::function<Launch(u32 rank, u32 call)> make);

    const View &view(u32 rank) const { return arena.view[rank]; }
    // For a launch's after: in this call or an earlier one.
    bool has_left(u32 rank) const { return arena.has_left(rank); }
    // Before the call that has just ended: it must then have done nothing.
    bool had_left(u32 rank) const { return left[rank]; }
    // What goes wrong, for the case's description.
    std::string text() const;

  private:
    // ABORT: the group's word is set. STOPS: a rank does not begin a call, and none after it; the others leave at the deadline. STOPS_AND_ABORT: they leave by the word. LATE: it does after the others have left.
    enum Trouble { NONE, ABORT, STOPS, STOPS_AND_ABORT, LATE };
    bool aborts() const { return trouble == ABORT || trouble == STOPS_AND_ABORT; }
    bool stops() const { return trouble == STOPS || trouble == STOPS_AND_ABORT; }
    void launch(u32 rank, u32 call);
    void end(u32 rank, u32 call);
    void check_fault(u32 rank) const;

    Case &of;
    u32 ranks, calls;
    Trouble trouble;
    u32 victim, from;  // of trouble: the rank and its first call
    Arena arena;
    bool left[MAX_RANKS] = {};
    u32 ended = 0;
    std::function<Launch(u32, u32)> make;
};

}  // namespace emulator
