// Consecutive all-reduces of a group, whatever kernel does them: sizes, buffers, inputs, and what must come out.
#pragma once
#include <functional>
#include <optional>
#include <vector>
#include "reference.hpp"
#include "sequence.hpp"

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
    struct Buffers {
        u8 *input, *output;
    };
    void make_inputs(u32 call);
    u64 element_of(u32 call, u32 rank, u64 index) const { return format.read(inputs[call][rank].data(), index); }
    void before(u32 rank, u32 call);
    void after(u32 rank, u32 call);

    Case &of;
    u32 ranks;
    const Format &format;
    std::string operation;
    u64 largest;
    bool dependent;
    std::vector<Call> calls;
    std::vector<std::vector<std::vector<u8>>> inputs;  // by call and rank
    std::vector<std::vector<u64>> expected;            // by call
    std::vector<Buffers> buffers[MAX_RANKS];
    std::optional<Sequence> sequence;  // when the machine is reset
};

}  // namespace emulator
