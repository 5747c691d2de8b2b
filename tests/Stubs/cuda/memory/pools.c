/* Stream-ordered memory: an address at once, taken back when the stream comes to it. One pool a device, and pools that only bear a name. */
#include "../stub.h"

#include <stdlib.h>

typedef struct pool { unsigned magic; CUdevice device; uint64_t threshold; } pool;
struct pool_props { int alloc_type, handle_types, location_type, location_id; void *security; size_t max_size; unsigned char reserved[56]; };

static pool s_default[MAX_DEVICES];

static pool *default_pool(CUdevice device)
{
    s_default[device].device = device;
    s_default[device].magic = MAGIC_POOL;
    return &s_default[device];
}

struct free_op { op base; CUdeviceptr pointer; };

static CUresult run_free(op *self) { return stub_free(((struct free_op *)self)->pointer) == CUDA_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS; }

static CUresult allocate(context *ctx, CUdevice device, CUdeviceptr *out, size_t bytes, void *handle)
{
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    pthread_mutex_lock(&stub_lock);
    if (s->capture != NULL)
        stub_capture_invalidate(s->capture); /* a graph that owns memory is not among what the stub has */
    bool captured = s->capture != NULL;
    pthread_mutex_unlock(&stub_lock);
    NEED(!captured, CUDA_ERROR_NOT_SUPPORTED);
    return stub_alloc(NULL, device, bytes, RANGE_POOL, out);
}

API CUresult cuMemAllocAsync(CUdeviceptr *out, size_t bytes, void *handle)
{
    ENTER_CONTEXT(ctx);
    return allocate(ctx, ctx->device, out, bytes, handle);
}

API CUresult cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t bytes, pool *p, void *handle)
{
    ENTER_CONTEXT(ctx);
    NEED(IS(p, MAGIC_POOL), CUDA_ERROR_INVALID_VALUE);
    return allocate(ctx, p->device, out, bytes, handle);
}

API CUresult cuMemFreeAsync(CUdeviceptr pointer, void *handle)
{
    ENTER_CONTEXT(ctx);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    range r;
    NEED(stub_find(pointer, &r) && r.base == pointer && (r.kind == RANGE_POOL || r.kind == RANGE_DEVICE), CUDA_ERROR_INVALID_VALUE);
    struct free_op *f = (struct free_op *)stub_op(sizeof *f, -1, ctx, run_free, NULL);
    f->pointer = pointer;
    return stub_submit(s, &f->base);
}

API CUresult cuDeviceGetDefaultMemPool(pool **out, CUdevice device)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(stub_physical(device) >= 0, CUDA_ERROR_INVALID_DEVICE);
    *out = default_pool(device);
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetMemPool(pool **out, CUdevice device) { return cuDeviceGetDefaultMemPool(out, device); }

API CUresult cuMemPoolCreate(pool **out, const struct pool_props *props)
{
    ENTER();
    NEED(out != NULL && props != NULL && props->alloc_type == 1 && props->location_type == 1, CUDA_ERROR_INVALID_VALUE);
    NEED(stub_physical(props->location_id) >= 0, CUDA_ERROR_INVALID_DEVICE);
    NEED(props->handle_types == 0, CUDA_ERROR_NOT_SUPPORTED);
    pool *p = calloc(1, sizeof *p);
    *p = (pool){ MAGIC_POOL, props->location_id, 0 };
    *out = p;
    return CUDA_SUCCESS;
}

API CUresult cuMemPoolDestroy(pool *p)
{
    ENTER();
    NEED(IS(p, MAGIC_POOL) && p != &s_default[p->device], CUDA_ERROR_INVALID_VALUE);
    p->magic = MAGIC_DEAD;
    return CUDA_SUCCESS;
}

API CUresult cuMemPoolTrimTo(pool *p, size_t keep)
{
    (void)keep;
    ENTER();
    return IS(p, MAGIC_POOL) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

API CUresult cuMemPoolSetAttribute(pool *p, int attribute, void *value)
{
    ENTER();
    NEED(IS(p, MAGIC_POOL) && value != NULL, CUDA_ERROR_INVALID_VALUE);
    if (attribute == 4)
        p->threshold = *(uint64_t *)value;
    return CUDA_SUCCESS;
}

API CUresult cuMemPoolGetAttribute(pool *p, int attribute, void *value)
{
    ENTER();
    NEED(IS(p, MAGIC_POOL) && value != NULL, CUDA_ERROR_INVALID_VALUE);
    if (attribute <= 3)
        *(int *)value = 1;
    else
        *(uint64_t *)value = attribute == 4 ? p->threshold : 0;
    return CUDA_SUCCESS;
}

API CUresult cuMemPoolSetAccess(pool *p, const void *map, size_t count)
{
    ENTER();
    return IS(p, MAGIC_POOL) && (map != NULL || count == 0) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
