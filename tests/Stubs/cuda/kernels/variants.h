// Makes stub kernels of the sources under Cuda/Kernels/Source. eng/build-stubs.sh writes a file for each source and number of ranks that includes this, and the source once for each variant.
#pragma once
#include "stub_kernels.h"
#include "arena.cuh"
#include "elements.cuh"

template <auto>
struct Entry;

// A kernel takes one struct by value.
template <typename Argument, void (*kernel)(Argument)>
struct Entry<kernel> {
    static void call(const void *argument) { kernel(*(const Argument *)argument); }

    static void run(const stub_launch *launch, void **params) { run_grid(launch->grid[0], launch->block[0], launch->shared_bytes, call, params[0]); }

    static constexpr stub_kernel named(const char *name) { return { name, run, 1, { sizeof(Argument) } }; }
};

struct Registered {
    explicit Registered(const stub_kernel *table) { stub_add_kernels(table); }
};
