/* The kernels that the stub can run, by name: an image is never looked at. A kernel that a test launches gets a C body here, which does for the
   whole grid what the CUDA one does. */
#include "stub.h"

#include <sched.h>
#include <string.h>

/* bench/Perf's own source, as one thread runs it. */
static double __longlong_as_double(long long bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static long long __double_as_longlong(double value)
{
    long long bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static const struct { unsigned x; } blockIdx = { 0 }, threadIdx = { 0 }, blockDim = { 1 }, gridDim = { 1 };
#define atomicAdd(where, what) (*(where) += (what))
#define __global__ static
#include "../../../bench/Perf/Kernels/pattern.cu"

static void run_fill_pattern(const stub_launch *launch, void **params)
{
    (void)launch;
    fill_pattern(*(const Pattern *)params[0]);
}

static void run_count_wrong(const stub_launch *launch, void **params)
{
    (void)launch;
    count_wrong(*(const Pattern *)params[0]);
}

/* extern "C" __global__ void stub_add_one(struct { unsigned long long data, count; } what): adds 1 to each float. */
static void add_one(const stub_launch *launch, void **params)
{
    (void)launch;
    const struct { unsigned long long data, count; } *what = params[0];
    float *data = (float *)(uintptr_t)what->data;
    for (unsigned long long i = 0; i < what->count; i++)
        data[i] += 1.0f;
}

/* Cuda/Kernels/Probes/ping_pong.cu; yields, for the peer's stream may want this core. */
typedef struct ping_pong_arguments {
    const _Atomic u64 *mine;
    _Atomic u64 *theirs;
    u64 before, warmup, trips, patience, *result;
    int starts;
} ping_pong_arguments;

static bool wait_for(const ping_pong_arguments *p, u64 flag)
{
    int64_t since = stub_now();
    while (atomic_load(p->mine) < flag) {
        if ((u64)(stub_now() - since) > p->patience)
            return false;
        sched_yield();
    }
    return true;
}

static void ping_pong(const stub_launch *launch, void **params)
{
    (void)launch;
    const ping_pong_arguments *p = params[0];
    int64_t start = stub_now();
    u64 trip = 0;
    for (; trip < p->warmup + p->trips; trip++) {
        u64 flag = p->before + trip + 1;
        if (trip == p->warmup)
            start = stub_now();
        if (p->starts)
            atomic_store(p->theirs, flag);
        if (!wait_for(p, flag))
            break;
        if (!p->starts)
            atomic_store(p->theirs, flag);
    }
    p->result[0] = trip;
    p->result[1] = (u64)(stub_now() - start);
}

const stub_kernel stub_kernels[] = {
    { "fill_pattern", run_fill_pattern, 1, { sizeof(Pattern) } },
    { "count_wrong", run_count_wrong, 1, { sizeof(Pattern) } },
    { "ping_pong", ping_pong, 1, { sizeof(ping_pong_arguments) } },
    { "stub_add_one", add_one, 1, { 16 } },
    { 0 },
};
