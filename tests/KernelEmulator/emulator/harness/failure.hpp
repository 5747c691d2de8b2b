#pragma once

namespace emulator {

// The exit codes of every program.
enum class Verdict { Passed = 0, WrongData = 1, Deadlock = 2, Crash = 3, Usage = 4 };

// Prints what was wrong, in which case, how to see it again, the last steps and where each thread is; ends the program.
[[noreturn, gnu::format(printf, 2, 3)]] void fail(Verdict verdict, const char *format, ...);

// Crashes and threads that take no step for seconds end in fail.
void catch_crashes();

}  // namespace emulator
