#pragma once
#include "../machine/grid.hpp"

namespace emulator {

// The last steps of a case.
class Trace {
  public:
    // note: what was special, or nullptr.
    void add(Thread &thread, const void *address, const u32 *value, u32 words, const char *note);
    void reset() { count = 0; }
    void print(u32 most) const;
    // Prints each step when it is taken.
    bool all = false;

  private:
    struct Entry {
        u64 step;
        const void *address;
        Place place;
        u32 rank, block, thread, words, value[4];
        const char *note;
    };
    static const u32 KEPT = 1024;
    void print(const Entry &entry) const;
    Entry entries[KEPT];
    u64 count = 0;
};

extern Trace trace;

}  // namespace emulator
