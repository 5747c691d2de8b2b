/* Modules, libraries and launches: any image loads, a kernel is found by its name in stub_kernels. */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

typedef struct library { unsigned magic; } library;
typedef struct function { unsigned magic; const stub_kernel *kernel; library *owner; } function;

static const stub_kernel *s_tables[64] = { stub_kernels };
static size_t s_table_count = 1;

void stub_add_kernels(const stub_kernel *table)
{
    if (s_table_count == sizeof s_tables / sizeof *s_tables)
        abort();
    s_tables[s_table_count++] = table;
}

static CUresult load(library **out, const void *image)
{
    TRY(stub_capture_forbids());
    NEED(out != NULL && image != NULL, CUDA_ERROR_INVALID_VALUE);
    library *l = calloc(1, sizeof *l);
    l->magic = MAGIC_LIBRARY;
    *out = l;
    return CUDA_SUCCESS;
}

static CUresult unload(library *l)
{
    NEED(IS(l, MAGIC_LIBRARY), CUDA_ERROR_INVALID_HANDLE);
    l->magic = MAGIC_DEAD;
    return CUDA_SUCCESS;
}

static CUresult find(function **out, library *l, const char *name)
{
    NEED(out != NULL && name != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(IS(l, MAGIC_LIBRARY), CUDA_ERROR_INVALID_HANDLE);
    for (size_t table = 0; table < s_table_count; table++) {
        for (const stub_kernel *k = s_tables[table]; k->name != NULL; k++) {
            if (strcmp(k->name, name) != 0)
                continue;
            function *f = calloc(1, sizeof *f);
            *f = (function){ MAGIC_FUNCTION, k, l };
            *out = f;
            return CUDA_SUCCESS;
        }
    }
    return CUDA_ERROR_NOT_FOUND;
}

API CUresult cuModuleLoadData(library **out, const void *image)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    return load(out, image);
}

API CUresult cuModuleLoadDataEx(library **out, const void *image, unsigned count, int *options, void **values)
{
    ENTER_CONTEXT(ctx);
    (void)ctx, (void)count, (void)options, (void)values;
    return load(out, image);
}

API CUresult cuModuleLoadFatBinary(library **out, const void *image)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    return load(out, image);
}

API CUresult cuModuleUnload(library *l)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    return unload(l);
}

API CUresult cuModuleGetFunction(function **out, library *l, const char *name)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    return find(out, l, name);
}

API CUresult cuModuleGetLoadingMode(int *mode)
{
    ENTER();
    NEED(mode != NULL, CUDA_ERROR_INVALID_VALUE);
    *mode = 1;
    return CUDA_SUCCESS;
}

API CUresult cuLibraryLoadData(library **out, const void *code, int *jit, void **jit_values, unsigned jit_count, int *options, void **values, unsigned count)
{
    ENTER();
    (void)jit, (void)jit_values, (void)jit_count, (void)options, (void)values, (void)count;
    return load(out, code);
}

API CUresult cuLibraryUnload(library *l)
{
    ENTER();
    return unload(l);
}

API CUresult cuLibraryGetKernel(function **out, library *l, const char *name)
{
    ENTER();
    return find(out, l, name);
}

API CUresult cuLibraryGetModule(library **out, library *l)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    NEED(out != NULL && IS(l, MAGIC_LIBRARY), CUDA_ERROR_INVALID_VALUE);
    *out = l;
    return CUDA_SUCCESS;
}

API CUresult cuKernelGetFunction(function **out, function *f)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    NEED(out != NULL && IS(f, MAGIC_FUNCTION), CUDA_ERROR_INVALID_HANDLE);
    *out = f;
    return CUDA_SUCCESS;
}

API CUresult cuFuncGetModule(library **out, function *f)
{
    ENTER();
    NEED(out != NULL && IS(f, MAGIC_FUNCTION), CUDA_ERROR_INVALID_HANDLE);
    *out = f->owner;
    return CUDA_SUCCESS;
}

API CUresult cuFuncGetName(const char **out, function *f)
{
    ENTER();
    NEED(out != NULL && IS(f, MAGIC_FUNCTION), CUDA_ERROR_INVALID_HANDLE);
    *out = f->kernel->name;
    return CUDA_SUCCESS;
}

API CUresult cuKernelGetName(const char **out, function *f) { return cuFuncGetName(out, f); }

/* By CUfunction_attribute: threads a block, shared, const and local bytes, registers, PTX and binary version, cache mode, ... */
API CUresult cuFuncGetAttribute(int *out, int attribute, function *f)
{
    ENTER();
    static const int values[] = { 1024, 0, 0, 0, 32, 90, 90, 0, 49152, -1 };
    NEED(IS(f, MAGIC_FUNCTION), CUDA_ERROR_INVALID_HANDLE);
    NEED(out != NULL && attribute >= 0, CUDA_ERROR_INVALID_VALUE);
    *out = attribute < 10 ? values[attribute] : 0;
    return CUDA_SUCCESS;
}

API CUresult cuKernelGetAttribute(int *out, int attribute, function *f, CUdevice device)
{
    (void)device;
    return cuFuncGetAttribute(out, attribute, f);
}

API CUresult cuFuncSetAttribute(function *f, int attribute, int value)
{
    ENTER();
    (void)attribute, (void)value;
    return IS(f, MAGIC_FUNCTION) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

API CUresult cuKernelSetAttribute(int attribute, int value, function *f, CUdevice device)
{
    (void)device;
    return cuFuncSetAttribute(f, attribute, value);
}

API CUresult cuFuncLoad(function *f)
{
    ENTER();
    return IS(f, MAGIC_FUNCTION) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *out, function *f, int block, size_t shared, unsigned flags)
{
    ENTER();
    (void)shared, (void)flags;
    NEED(IS(f, MAGIC_FUNCTION), CUDA_ERROR_INVALID_HANDLE);
    NEED(out != NULL && block > 0, CUDA_ERROR_INVALID_VALUE);
    *out = block > 1024 ? 0 : 2048 / block;
    return CUDA_SUCCESS;
}

API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *out, function *f, int block, size_t shared)
{
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(out, f, block, shared, 0);
}

struct kernel_op { op base; const stub_kernel *kernel; stub_launch launch; void *params[8]; char values[]; };

static CUresult run_kernel(op *self)
{
    struct kernel_op *k = (struct kernel_op *)self;
    k->kernel->run(&k->launch, k->params);
    return CUDA_SUCCESS;
}

static CUresult launch(context *ctx, function *f, const stub_launch *shape, void *handle, void **params, void **extra)
{
    NEED(IS(f, MAGIC_FUNCTION), CUDA_ERROR_INVALID_HANDLE);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(s->ctx == ctx, CUDA_ERROR_INVALID_HANDLE);
    size_t threads = (size_t)shape->block[0] * shape->block[1] * shape->block[2];
    size_t blocks = (size_t)shape->grid[0] * shape->grid[1] * shape->grid[2];
    NEED(threads > 0 && threads <= 1024 && blocks > 0 && shape->shared_bytes <= 232448, CUDA_ERROR_INVALID_VALUE);
    const char *packed = NULL;
    for (; extra != NULL && *extra != NULL; extra += 2)
        packed = (uintptr_t)*extra == 1 ? extra[1] : packed;
    NEED(params != NULL || packed != NULL || f->kernel->param_count == 0, CUDA_ERROR_INVALID_VALUE);
    size_t total = 0;
    for (int i = 0; i < f->kernel->param_count; i++)
        total += (f->kernel->param_sizes[i] + 15) & ~(size_t)15;
    struct kernel_op *k = (struct kernel_op *)stub_op(sizeof *k + total, NODE_KERNEL, ctx, run_kernel, NULL);
    k->kernel = f->kernel;
    k->launch = *shape;
    char *value = k->values;
    size_t at = 0;
    for (int i = 0; i < f->kernel->param_count; i++) {
        size_t size = f->kernel->param_sizes[i], align = size >= 8 ? 8 : size;
        at = (at + align - 1) & ~(align - 1);
        memcpy(value, params != NULL ? params[i] : packed + at, size);
        k->params[i] = value;
        value += (size + 15) & ~(size_t)15;
        at += size;
    }
    return stub_submit(s, &k->base);
}

API CUresult cuLaunchKernel(function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *handle, void **params,
                            void **extra)
{
    ENTER_CONTEXT(ctx);
    return launch(ctx, f, &(stub_launch){ { gx, gy, gz }, { bx, by, bz }, shared, 1 }, handle, params, extra);
}

API CUresult cuLaunchCooperativeKernel(function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *handle,
                                       void **params)
{
    ENTER_CONTEXT(ctx);
    return launch(ctx, f, &(stub_launch){ { gx, gy, gz }, { bx, by, bz }, shared, 1 }, handle, params, NULL);
}

struct launch_attribute { unsigned id, padding, value[16]; };
enum { ATTRIBUTE_CLUSTER_DIMENSION = 4 };

struct launch_config { unsigned grid[3], block[3], shared; void *stream; const struct launch_attribute *attributes; unsigned attribute_count; };

API CUresult cuLaunchKernelEx(const struct launch_config *c, function *f, void **params, void **extra)
{
    ENTER_CONTEXT(ctx);
    NEED(c != NULL, CUDA_ERROR_INVALID_VALUE);
    stub_launch shape = { { c->grid[0], c->grid[1], c->grid[2] }, { c->block[0], c->block[1], c->block[2] }, c->shared, 1 };
    for (unsigned i = 0; i < c->attribute_count; i++)
        if (c->attributes[i].id == ATTRIBUTE_CLUSTER_DIMENSION)
            shape.cluster = c->attributes[i].value[0];
    NEED(shape.cluster >= 1 && shape.cluster <= 8 && shape.grid[0] % shape.cluster == 0, CUDA_ERROR_INVALID_VALUE);
    return launch(ctx, f, &shape, c->stream, params, extra);
}
