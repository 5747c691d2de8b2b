#pragma once
#include <string>
#include "../machine/machine.hpp"
#include "../memory/heap.hpp"
#include "failure.hpp"

namespace emulator {

// The command line of every program.
struct Options {
    u64 seed = 1, cases = 100;
    double seconds = 0;  // an end to the cases before their number is reached; 0: none
    Model model = Model::Sequential;
    Strategy strategy = Strategy::Any;
    u32 together = 0;  // 0: by the seed
    bool trace = false;
    std::string test;  // of programs that have several

    // Of one case alone.
    std::string command(u64 seed) const;
    const char *program = "";
};

// What a case is made of; the body fills in the setting by its seed and the options, and the rest as it goes.
struct Case {
    u64 seed;
    Random random;
    const Options &options;
    u64 calls = 0;
    // The options' part of it.
    Setting setting(u32 ranks, u32 blocks, u32 threads);
};

// In a case's failure, what the case was.
extern std::string description;

Options parse(int argc, char **argv);
// Runs body for each case; prints how many there were. Returns the exit code.
int run(const Options &options, void (*body)(Case &));

}  // namespace emulator
