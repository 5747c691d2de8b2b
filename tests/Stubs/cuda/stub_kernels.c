/* The kernels that the stub can run, by name: an image is never looked at. A kernel that a test launches gets a C body here, which does for the
   whole grid what the CUDA one does. */
#include "stub.h"

/* extern "C" __global__ void stub_add_one(struct { unsigned long long data, count; } what): adds 1 to each float. */
static void add_one(const stub_launch *launch, void **params)
{
    (void)launch;
    const struct { unsigned long long data, count; } *what = params[0];
    float *data = (float *)(uintptr_t)what->data;
    for (unsigned long long i = 0; i < what->count; i++)
        data[i] += 1.0f;
}

const stub_kernel stub_kernels[] = {
    { "stub_add_one", add_one, 1, { 16 } },
    { 0 },
};
