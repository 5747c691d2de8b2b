// Makes stub kernels of the sources under Cuda/Kernels/Source. eng/build-stubs.sh writes a file for each source and number of ranks that includes this, and the source once for each variant.
#pragma once
#include "stub_kernels.h"
#include "all_reduce.cuh"
#include "registered.cuh"
#include "ring.cuh"
#include "rms_norm.cuh"

// The operation is looked up when it runs: five times fewer kernels to compile. A grid runs on one thread.
inline thread_local int stub_operation;

struct AnyOperation {
    template <typename T>
    static T combine(T left, T right)
    {
        switch (stub_operation) {
        case 1: return Product::combine(left, right);
        case 2: return Max::combine(left, right);
        case 3: return Min::combine(left, right);
        default: return Sum::combine(left, right);
        }
    }

    template <typename T>
    static T finish(T value, int ranks)
    {
        return stub_operation == 4 ? Average::finish(value, ranks) : value;
    }
};

template <auto, int>
struct Entry;

// A kernel takes one struct by value.
template <typename Argument, void (*kernel)(Argument), int OPERATION>
struct Entry<kernel, OPERATION> {
    static void call(const void *argument) { kernel(*(const Argument *)argument); }

    static void run(const stub_launch *launch, void **params)
    {
        stub_operation = OPERATION;
        run_grid(launch->grid[0], launch->block[0], launch->shared_bytes, launch->cluster, call, params[0]);
    }

    static constexpr stub_kernel named(const char *name) { return { name, run, 1, { sizeof(Argument) } }; }
};

struct Registered {
    explicit Registered(const stub_kernel *table) { stub_add_kernels(table); }
};
