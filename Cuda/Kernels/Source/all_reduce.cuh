// What the all-reduce kernels take. Laid out as AllReduceArguments in C#.
#pragma once
#include "arena.cuh"
#include "elements.cuh"

struct AllReduce {
    View view;
    const void *input;
    void *output;  // may be input
    u64 count;     // elements
};
