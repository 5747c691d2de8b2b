/* Primary and own contexts, and which one a thread works in. */
#include "stub.h"

#include <stdlib.h>

enum { MAX_DEPTH = 32 };
static _Thread_local context *t_stack[MAX_DEPTH];
static _Thread_local int t_depth; /* t_stack[0] stands for "none pushed" */
static context s_primary[MAX_DEVICES];
static _Atomic uint64_t s_next_id = 1;

static void fill(context *ctx, CUdevice device)
{
    ctx->device = device;
    ctx->id = atomic_fetch_add(&s_next_id, 1);
    ctx->peers = 0;
    atomic_store(&ctx->sticky, CUDA_SUCCESS);
    if (ctx->legacy == NULL)
        ctx->legacy = stub_new_stream(ctx, 0, 0);
    ctx->magic = MAGIC_CONTEXT;
}

CUresult stub_current(context **out)
{
    context *ctx = t_stack[t_depth];
    NEED(ctx != NULL, CUDA_ERROR_INVALID_CONTEXT);
    NEED(ctx->magic == MAGIC_CONTEXT, CUDA_ERROR_CONTEXT_IS_DESTROYED);
    *out = ctx;
    return atomic_load(&ctx->sticky);
}

static CUresult retain(CUdevice device, context **out)
{
    NEED(stub_physical(device) >= 0, CUDA_ERROR_INVALID_DEVICE);
    pthread_mutex_lock(&stub_lock);
    context *ctx = &s_primary[device];
    if (ctx->retained++ == 0) {
        ctx->primary = true;
        fill(ctx, device);
    }
    *out = ctx;
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

/* Waits until all that was queued in the context has run. */
void stub_drain(context *ctx)
{
    pthread_mutex_lock(&stub_lock);
    stream *s = ctx->streams;
    pthread_mutex_unlock(&stub_lock);
    for (; s != NULL; s = s->next) {
        pthread_mutex_lock(&s->mutex);
        uint64_t sequence = s->submitted;
        pthread_mutex_unlock(&s->mutex);
        stub_stream_wait(s, sequence);
    }
}

API CUresult cuDevicePrimaryCtxRetain(context **out, CUdevice device)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    return retain(device, out);
}

API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    ENTER();
    NEED(stub_physical(device) >= 0, CUDA_ERROR_INVALID_DEVICE);
    context *ctx = &s_primary[device];
    pthread_mutex_lock(&stub_lock);
    bool held = ctx->retained > 0, last = ctx->retained == 1;
    pthread_mutex_unlock(&stub_lock);
    NEED(held, CUDA_ERROR_INVALID_CONTEXT);
    if (last)
        stub_drain(ctx);
    pthread_mutex_lock(&stub_lock);
    if (--ctx->retained == 0)
        ctx->magic = MAGIC_DEAD;
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

API CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
    ENTER();
    NEED(stub_physical(device) >= 0, CUDA_ERROR_INVALID_DEVICE);
    NEED(flags != NULL && active != NULL, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    *flags = s_primary[device].flags;
    *active = s_primary[device].retained > 0;
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags)
{
    ENTER();
    NEED(stub_physical(device) >= 0, CUDA_ERROR_INVALID_DEVICE);
    s_primary[device].flags = flags;
    return CUDA_SUCCESS;
}

API CUresult cuCtxCreate_v2(context **out, unsigned flags, CUdevice device)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(stub_physical(device) >= 0, CUDA_ERROR_INVALID_DEVICE);
    NEED(t_depth + 1 < MAX_DEPTH, CUDA_ERROR_ILLEGAL_STATE);
    context *ctx = calloc(1, sizeof *ctx);
    pthread_mutex_lock(&stub_lock);
    ctx->flags = flags;
    fill(ctx, device);
    pthread_mutex_unlock(&stub_lock);
    t_stack[++t_depth] = ctx;
    *out = ctx;
    return CUDA_SUCCESS;
}

API CUresult cuCtxDestroy_v2(context *ctx)
{
    ENTER();
    NEED(IS(ctx, MAGIC_CONTEXT) && !ctx->primary, CUDA_ERROR_INVALID_CONTEXT);
    stub_drain(ctx);
    ctx->magic = MAGIC_DEAD;
    if (t_stack[t_depth] == ctx) {
        if (t_depth > 0)
            t_depth--;
        else
            t_stack[0] = NULL;
    }
    return CUDA_SUCCESS;
}

API CUresult cuCtxPushCurrent_v2(context *ctx)
{
    ENTER();
    NEED(IS(ctx, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    NEED(t_depth + 1 < MAX_DEPTH, CUDA_ERROR_ILLEGAL_STATE);
    t_stack[++t_depth] = ctx;
    return CUDA_SUCCESS;
}

API CUresult cuCtxPopCurrent_v2(context **out)
{
    ENTER();
    context *top = t_stack[t_depth];
    NEED(top != NULL, CUDA_ERROR_INVALID_CONTEXT);
    if (t_depth > 0)
        t_depth--;
    else
        t_stack[0] = NULL;
    if (out != NULL)
        *out = top;
    return CUDA_SUCCESS;
}

API CUresult cuCtxSetCurrent(context *ctx)
{
    ENTER();
    NEED(ctx == NULL || IS(ctx, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    t_stack[t_depth] = ctx;
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetCurrent(context **out)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    *out = t_stack[t_depth];
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetDevice(CUdevice *device)
{
    ENTER_CONTEXT(ctx);
    NEED(device != NULL, CUDA_ERROR_INVALID_VALUE);
    *device = ctx->device;
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetFlags(unsigned *flags)
{
    ENTER_CONTEXT(ctx);
    NEED(flags != NULL, CUDA_ERROR_INVALID_VALUE);
    *flags = ctx->flags;
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetId(context *ctx, uint64_t *id)
{
    ENTER();
    NEED(id != NULL, CUDA_ERROR_INVALID_VALUE);
    if (ctx == NULL)
        TRY(stub_current(&ctx));
    NEED(IS(ctx, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    *id = ctx->id;
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetApiVersion(context *ctx, unsigned *version)
{
    ENTER();
    NEED(version != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(ctx == NULL || IS(ctx, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    *version = 3020;
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    if (least != NULL)
        *least = 0;
    if (greatest != NULL)
        *greatest = -5;
    return CUDA_SUCCESS;
}

API CUresult cuCtxSynchronize(void)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids_sync(ctx));
    stub_drain(ctx);
    return atomic_load(&ctx->sticky);
}

API CUresult cuCtxEnablePeerAccess(context *peer, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    NEED(flags == 0, CUDA_ERROR_INVALID_VALUE);
    NEED(IS(peer, MAGIC_CONTEXT) && peer->device != ctx->device, CUDA_ERROR_INVALID_DEVICE);
    NEED(!stub_flag("STUB_CUDA_NO_PEER"), 217);
    pthread_mutex_lock(&stub_lock);
    bool before = (ctx->peers >> peer->device & 1) != 0;
    ctx->peers |= 1u << peer->device;
    pthread_mutex_unlock(&stub_lock);
    return before ? CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED : CUDA_SUCCESS;
}

API CUresult cuCtxDisablePeerAccess(context *peer)
{
    ENTER_CONTEXT(ctx);
    NEED(IS(peer, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    pthread_mutex_lock(&stub_lock);
    bool before = (ctx->peers >> peer->device & 1) != 0;
    ctx->peers &= ~(1u << peer->device);
    pthread_mutex_unlock(&stub_lock);
    return before ? CUDA_SUCCESS : CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
}
