/* Copies and fills. A device address that is not in live memory is refused when asked for, and faults the context when it is found so later. */
#include "../stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box { uintptr_t at; size_t pitch, slice; bool device; };
struct copy_op { op base; struct box dst, src; size_t width, height, depth; void *staged; };

enum { MEMORY_HOST = 1, MEMORY_DEVICE = 2, MEMORY_UNIFIED = 4 };

static size_t extent(const struct box *b, const struct copy_op *c)
{
    return c->depth == 0 || c->height == 0 || c->width == 0 ? 0 : (c->depth - 1) * b->slice + (c->height - 1) * b->pitch + c->width;
}

static bool reachable(const struct box *b, const struct copy_op *c)
{
    size_t bytes = extent(b, c);
    return bytes == 0 || !b->device || stub_known(b->at, bytes);
}

/* STUB_CUDA_BAD_COPY=1>0: what a stream of device 1 writes to memory of device 0 loses its last byte's bits. The machine's numbers. */
static bool is_bad(const struct copy_op *c)
{
    int from, to;
    const char *pair = getenv("STUB_CUDA_BAD_COPY");
    range r;
    return pair != NULL && sscanf(pair, "%d>%d", &from, &to) == 2 && c->dst.device && stub_physical(c->base.ctx->device) == from && stub_find(c->dst.at, &r) &&
        stub_physical(r.device) == to;
}

static CUresult run_copy(op *self)
{
    struct copy_op *c = (struct copy_op *)self;
    if (!reachable(&c->dst, c) || !reachable(&c->src, c))
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (size_t z = 0; z < c->depth; z++) {
        for (size_t y = 0; y < c->height; y++)
            memmove((char *)c->dst.at + z * c->dst.slice + y * c->dst.pitch, (char *)c->src.at + z * c->src.slice + y * c->src.pitch, c->width);
    }
    if (is_bad(c))
        ((unsigned char *)c->dst.at)[extent(&c->dst, c) - 1] ^= 0x55;
    return CUDA_SUCCESS;
}

static void drop_copy(op *self) { free(((struct copy_op *)self)->staged); }

/* A device of the unified address space: what a generic copy finds out by the address. */
static bool is_device(uintptr_t at) { return stub_known(at, 1); }

static CUresult copy(context *ctx, void *handle, struct copy_op shape, bool wait)
{
    NEED(!wait || stub_capture_forbids() == CUDA_SUCCESS, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    if (extent(&shape.dst, &shape) == 0 || shape.dst.at == 0 || shape.src.at == 0)
        return extent(&shape.dst, &shape) == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    NEED(reachable(&shape.dst, &shape) && reachable(&shape.src, &shape), CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    bool captured = s->capture != NULL;
    pthread_mutex_unlock(&stub_lock);
    struct copy_op *c = (struct copy_op *)stub_op(sizeof *c, NODE_MEMCPY, ctx, run_copy, drop_copy);
    op base = c->base;
    *c = shape;
    c->base = base;
    /* Pageable host memory is read before the call returns, and written before it returns. */
    if (!captured && !c->src.device && stub_is_pageable(c->src.at)) {
        size_t bytes = extent(&c->src, c);
        c->staged = malloc(bytes);
        memcpy(c->staged, (void *)c->src.at, bytes);
        c->src.at = (uintptr_t)c->staged;
    }
    wait |= !captured && !c->dst.device && stub_is_pageable(c->dst.at);
    return wait ? stub_submit_and_wait(s, &c->base) : stub_submit(s, &c->base);
}

static CUresult line(context *ctx, void *handle, uintptr_t dst, bool to_device, uintptr_t src, bool from_device, size_t bytes, bool wait)
{
    struct copy_op shape = { .dst = { dst, bytes, bytes, to_device }, .src = { src, bytes, bytes, from_device }, .width = bytes, .height = 1, .depth = 1 };
    return copy(ctx, handle, shape, wait);
}

#define COPY(name, arguments, handle, to, to_device, from, from_device, wait) \
    API CUresult name arguments \
    { \
        ENTER_CONTEXT(ctx); \
        return line(ctx, handle, (uintptr_t)(to), to_device, (uintptr_t)(from), from_device, bytes, wait); \
    }

COPY(cuMemcpy, (CUdeviceptr dst, CUdeviceptr src, size_t bytes), NULL, dst, is_device(dst), src, is_device(src), true)
COPY(cuMemcpyAsync, (CUdeviceptr dst, CUdeviceptr src, size_t bytes, void *s), s, dst, is_device(dst), src, is_device(src), false)
COPY(cuMemcpyHtoD_v2, (CUdeviceptr dst, const void *src, size_t bytes), NULL, dst, true, src, false, true)
COPY(cuMemcpyHtoDAsync_v2, (CUdeviceptr dst, const void *src, size_t bytes, void *s), s, dst, true, src, false, false)
COPY(cuMemcpyDtoH_v2, (void *dst, CUdeviceptr src, size_t bytes), NULL, dst, false, src, true, true)
COPY(cuMemcpyDtoHAsync_v2, (void *dst, CUdeviceptr src, size_t bytes, void *s), s, dst, false, src, true, false)
COPY(cuMemcpyDtoD_v2, (CUdeviceptr dst, CUdeviceptr src, size_t bytes), NULL, dst, true, src, true, true)
COPY(cuMemcpyDtoDAsync_v2, (CUdeviceptr dst, CUdeviceptr src, size_t bytes, void *s), s, dst, true, src, true, false)

API CUresult cuMemcpyPeer(CUdeviceptr dst, context *to, CUdeviceptr src, context *from, size_t bytes)
{
    ENTER_CONTEXT(ctx);
    NEED(IS(to, MAGIC_CONTEXT) && IS(from, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    return line(ctx, NULL, dst, true, src, true, bytes, true);
}

API CUresult cuMemcpyPeerAsync(CUdeviceptr dst, context *to, CUdeviceptr src, context *from, size_t bytes, void *handle)
{
    ENTER_CONTEXT(ctx);
    NEED(IS(to, MAGIC_CONTEXT) && IS(from, MAGIC_CONTEXT), CUDA_ERROR_INVALID_CONTEXT);
    return line(ctx, handle, dst, true, src, true, bytes, false);
}

struct CUDA_MEMCPY2D {
    size_t srcXInBytes, srcY; int srcMemoryType; const void *srcHost; CUdeviceptr srcDevice; void *srcArray; size_t srcPitch;
    size_t dstXInBytes, dstY; int dstMemoryType; void *dstHost; CUdeviceptr dstDevice; void *dstArray; size_t dstPitch;
    size_t WidthInBytes, Height;
};

static bool box_of(struct box *b, int type, const void *host, CUdeviceptr device, size_t x, size_t y, size_t pitch, size_t width)
{
    if ((type != MEMORY_HOST && type != MEMORY_DEVICE && type != MEMORY_UNIFIED) || (pitch != 0 && pitch < width))
        return false;
    b->pitch = b->slice = pitch != 0 ? pitch : width;
    b->at = (type == MEMORY_HOST ? (uintptr_t)host : device) + y * b->pitch + x;
    b->device = type == MEMORY_DEVICE || (type == MEMORY_UNIFIED && is_device(b->at));
    return true;
}

static CUresult plane(context *ctx, const struct CUDA_MEMCPY2D *p, void *handle, bool wait)
{
    NEED(p != NULL, CUDA_ERROR_INVALID_VALUE);
    struct copy_op shape = { .width = p->WidthInBytes, .height = p->Height, .depth = 1 };
    NEED(box_of(&shape.src, p->srcMemoryType, p->srcHost, p->srcDevice, p->srcXInBytes, p->srcY, p->srcPitch, shape.width), CUDA_ERROR_INVALID_VALUE);
    NEED(box_of(&shape.dst, p->dstMemoryType, p->dstHost, p->dstDevice, p->dstXInBytes, p->dstY, p->dstPitch, shape.width), CUDA_ERROR_INVALID_VALUE);
    return copy(ctx, handle, shape, wait);
}

API CUresult cuMemcpy2D_v2(const struct CUDA_MEMCPY2D *p)
{
    ENTER_CONTEXT(ctx);
    return plane(ctx, p, NULL, true);
}

API CUresult cuMemcpy2DAsync_v2(const struct CUDA_MEMCPY2D *p, void *handle)
{
    ENTER_CONTEXT(ctx);
    return plane(ctx, p, handle, false);
}

struct fill_op { op base; struct box dst; unsigned value; size_t element, width, height; };

static CUresult run_fill(op *self)
{
    struct fill_op *f = (struct fill_op *)self;
    if (f->width * f->height > 0 && !stub_known(f->dst.at, (f->height - 1) * f->dst.pitch + f->width * f->element))
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (size_t y = 0; y < f->height; y++) {
        char *row = (char *)f->dst.at + y * f->dst.pitch;
        if (f->element == 1) {
            memset(row, (int)f->value, f->width);
            continue;
        }
        for (size_t x = 0; x < f->width; x++)
            memcpy(row + x * f->element, &f->value, f->element);
    }
    return CUDA_SUCCESS;
}

static CUresult fill(context *ctx, CUdeviceptr dst, size_t pitch, unsigned value, size_t element, size_t width, size_t height, void *handle, bool wait)
{
    NEED(!wait || stub_capture_forbids() == CUDA_SUCCESS, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(s->ctx == ctx, CUDA_ERROR_INVALID_HANDLE);
    if (width * height == 0)
        return CUDA_SUCCESS;
    NEED(dst % element == 0 && (height == 1 || pitch >= width * element), CUDA_ERROR_INVALID_VALUE);
    NEED(stub_known(dst, (height - 1) * pitch + width * element), CUDA_ERROR_INVALID_VALUE);
    struct fill_op *f = (struct fill_op *)stub_op(sizeof *f, NODE_MEMSET, ctx, run_fill, NULL);
    f->dst = (struct box){ dst, pitch, pitch, true };
    f->value = value;
    f->element = element;
    f->width = width;
    f->height = height;
    return wait ? stub_submit_and_wait(s, &f->base) : stub_submit(s, &f->base);
}

#define FILL(name, arguments, handle, element, pitch, width, height, wait) \
    API CUresult name arguments \
    { \
        ENTER_CONTEXT(ctx); \
        return fill(ctx, dst, pitch, value, element, width, height, handle, wait); \
    }

FILL(cuMemsetD8_v2, (CUdeviceptr dst, unsigned char value, size_t n), NULL, 1, n, n, 1, true)
FILL(cuMemsetD8Async, (CUdeviceptr dst, unsigned char value, size_t n, void *s), s, 1, n, n, 1, false)
FILL(cuMemsetD16_v2, (CUdeviceptr dst, unsigned short value, size_t n), NULL, 2, n * 2, n, 1, true)
FILL(cuMemsetD16Async, (CUdeviceptr dst, unsigned short value, size_t n, void *s), s, 2, n * 2, n, 1, false)
FILL(cuMemsetD32_v2, (CUdeviceptr dst, unsigned value, size_t n), NULL, 4, n * 4, n, 1, true)
FILL(cuMemsetD32Async, (CUdeviceptr dst, unsigned value, size_t n, void *s), s, 4, n * 4, n, 1, false)
FILL(cuMemsetD2D8Async, (CUdeviceptr dst, size_t pitch, unsigned char value, size_t w, size_t h, void *s), s, 1, pitch, w, h, false)
FILL(cuMemsetD2D32Async, (CUdeviceptr dst, size_t pitch, unsigned value, size_t w, size_t h, void *s), s, 4, pitch, w, h, false)
