#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

namespace emulator {

const u32 MAX_RANKS_HERE = 8;

enum class Model { Sequential, Weak };

// Where a primitive is called, and which.
struct Place {
    const char *operation;
    const char *file;
    int line;
};

}  // namespace emulator
