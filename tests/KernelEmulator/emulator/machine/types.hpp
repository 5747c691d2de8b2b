#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

namespace emulator {

// Of streams: 8 ranks with three each, see all_reduce_copy_engine.cpp.
const u32 MAX_RANKS_HERE = 24;

enum class Model { Sequential, Weak };

// Where a primitive is called, and which.
struct Place {
    const char *operation;
    const char *file;
    int line;
};

}  // namespace emulator
