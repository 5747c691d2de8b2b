/* Kernels that run on the host, found by name. */
#ifndef STUB_KERNELS_H
#define STUB_KERNELS_H

#include <stddef.h>

typedef struct stub_launch { unsigned grid[3], block[3], shared_bytes, cluster; } stub_launch; // cluster: 0 is 1
typedef struct stub_kernel {
    const char *name;
    void (*run)(const stub_launch *launch, void **params); /* the whole grid */
    int param_count;
    size_t param_sizes[8];
} stub_kernel;

extern const stub_kernel stub_kernels[]; /* ends with a name that is NULL, as each table */

#ifdef __cplusplus
extern "C"
#endif
void stub_add_kernels(const stub_kernel *table); /* before main */

#endif
