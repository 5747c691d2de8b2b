/* Device and pinned host memory, and what an address belongs to. A device's memory is one memfd a process, so that another process can open it. */
#include "../stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, POISON = 0xDD, POISON_LIMIT = 1 << 20 };

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static range *s_ranges; /* in the order of their addresses */
static size_t s_count, s_capacity;
static uint64_t s_next_id = 1;

struct hole { size_t offset, size; };
static struct arena { char *base; int fd; size_t used; struct hole *holes; size_t hole_count; } s_arenas[MAX_DEVICES];

/* The first range that ends above the address. The caller holds s_lock. */
static size_t above(uintptr_t address)
{
    size_t low = 0, high = s_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s_ranges[middle].base + s_ranges[middle].size > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool stub_find(uintptr_t address, range *out)
{
    pthread_mutex_lock(&s_lock);
    size_t at = above(address);
    bool found = at < s_count && s_ranges[at].base <= address;
    if (found && out != NULL)
        *out = s_ranges[at];
    pthread_mutex_unlock(&s_lock);
    return found;
}

bool stub_known(uintptr_t address, size_t bytes)
{
    pthread_mutex_lock(&s_lock);
    uintptr_t end = address + bytes;
    size_t at = above(address);
    while (end > address && at < s_count && s_ranges[at].base <= address && s_ranges[at].accessible) {
        address = s_ranges[at].base + s_ranges[at].size;
        at++;
        if (address >= end)
            break;
    }
    pthread_mutex_unlock(&s_lock);
    return address >= end;
}

bool stub_is_pageable(uintptr_t address) { return !stub_find(address, NULL); }

bool stub_add_range(range r)
{
    pthread_mutex_lock(&s_lock);
    size_t at = above(r.base);
    bool fits = at == s_count || s_ranges[at].base >= r.base + r.size;
    if (fits) {
        if (s_count == s_capacity) {
            s_capacity = s_capacity * 2 + 64;
            s_ranges = realloc(s_ranges, s_capacity * sizeof *s_ranges);
        }
        memmove(&s_ranges[at + 1], &s_ranges[at], (s_count - at) * sizeof *s_ranges);
        r.id = s_next_id++;
        s_ranges[at] = r;
        s_count++;
    }
    pthread_mutex_unlock(&s_lock);
    return fits;
}

bool stub_use_range(uintptr_t base, enum range_kind kind, int change, range *out)
{
    pthread_mutex_lock(&s_lock);
    size_t at = above(base);
    bool found = at < s_count && s_ranges[at].base == base && s_ranges[at].kind == kind;
    if (found) {
        s_ranges[at].uses += (unsigned)change;
        *out = s_ranges[at];
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

bool stub_remove_range(uintptr_t base, enum range_kind kind, range *out)
{
    pthread_mutex_lock(&s_lock);
    size_t at = above(base);
    bool found = at < s_count && s_ranges[at].base == base && s_ranges[at].kind == kind;
    if (found) {
        *out = s_ranges[at];
        memmove(&s_ranges[at], &s_ranges[at + 1], (s_count - at - 1) * sizeof *s_ranges);
        s_count--;
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

/* The caller holds s_lock. */
static bool take(struct arena *a, CUdevice device, size_t bytes, size_t *offset)
{
    size_t total = stub_total_memory();
    if (a->base == NULL) {
        char name[32];
        snprintf(name, sizeof name, "stub-cuda-%d", stub_physical(device));
        a->fd = memfd_create(name, MFD_CLOEXEC);
        if (a->fd < 0 || ftruncate(a->fd, (off_t)total) != 0)
            return false;
        void *at = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->fd, 0);
        if (at == MAP_FAILED)
            return false;
        a->base = at;
    }
    for (size_t i = 0; i < a->hole_count; i++) {
        struct hole *h = &a->holes[i];
        if (h->size >= bytes) {
            *offset = h->offset;
            h->offset += bytes;
            h->size -= bytes;
            if (h->size == 0)
                *h = a->holes[--a->hole_count];
            return true;
        }
    }
    if (bytes > total || a->used > total - bytes)
        return false;
    *offset = a->used;
    a->used += bytes;
    return true;
}

/* The caller holds s_lock. */
static void give_back(struct arena *a, size_t offset, size_t bytes)
{
    bool merged = true;
    while (merged) {
        merged = false;
        for (size_t i = 0; i < a->hole_count && !merged; i++) {
            struct hole h = a->holes[i];
            if (h.offset + h.size == offset || offset + bytes == h.offset) {
                offset = h.offset < offset ? h.offset : offset;
                bytes += h.size;
                a->holes[i] = a->holes[--a->hole_count];
                merged = true;
            }
        }
    }
    if (offset + bytes == a->used) {
        a->used = offset;
        return;
    }
    a->holes = realloc(a->holes, (a->hole_count + 1) * sizeof *a->holes);
    a->holes[a->hole_count++] = (struct hole){ offset, bytes };
}

CUresult stub_alloc(context *ctx, CUdevice device, size_t bytes, enum range_kind kind, CUdeviceptr *out)
{
    NEED(out != NULL && bytes > 0, CUDA_ERROR_INVALID_VALUE);
    NEED(bytes <= stub_total_memory(), CUDA_ERROR_OUT_OF_MEMORY);
    struct arena *a = &s_arenas[device];
    size_t rounded = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1), offset;
    pthread_mutex_lock(&s_lock);
    bool taken = take(a, device, rounded, &offset);
    pthread_mutex_unlock(&s_lock);
    NEED(taken, CUDA_ERROR_OUT_OF_MEMORY);
    stub_add_range((range){ .base = (uintptr_t)a->base + offset, .size = bytes, .mapped = rounded, .kind = kind, .ctx = ctx, .device = device,
                            .fd = a->fd, .offset = offset, .accessible = true });
    *out = (uintptr_t)a->base + offset;
    return CUDA_SUCCESS;
}

CUresult stub_free(CUdeviceptr pointer)
{
    range r;
    NEED(stub_remove_range(pointer, RANGE_DEVICE, &r) || stub_remove_range(pointer, RANGE_POOL, &r), CUDA_ERROR_INVALID_VALUE);
    size_t poisoned = r.mapped < POISON_LIMIT ? r.mapped : POISON_LIMIT;
    memset((void *)r.base, POISON, poisoned);
    if (r.mapped > poisoned)
        madvise((char *)r.base + poisoned, r.mapped - poisoned, MADV_REMOVE);
    pthread_mutex_lock(&s_lock);
    give_back(&s_arenas[r.device], r.offset, r.mapped);
    pthread_mutex_unlock(&s_lock);
    return CUDA_SUCCESS;
}

static size_t used(CUdevice device)
{
    size_t sum = 0;
    pthread_mutex_lock(&s_lock);
    for (size_t i = 0; i < s_count; i++)
        sum += s_ranges[i].device == device && s_ranges[i].kind != RANGE_IPC ? s_ranges[i].mapped : 0;
    pthread_mutex_unlock(&s_lock);
    return sum;
}

API CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    ENTER_CONTEXT(ctx);
    NEED(free_bytes != NULL && total != NULL, CUDA_ERROR_INVALID_VALUE);
    *total = stub_total_memory();
    size_t taken = used(ctx->device);
    *free_bytes = taken < *total ? *total - taken : 0;
    return CUDA_SUCCESS;
}

API CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    return stub_alloc(ctx, ctx->device, bytes, RANGE_DEVICE, out);
}

API CUresult cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned element)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    NEED(pitch != NULL && (element == 4 || element == 8 || element == 16), CUDA_ERROR_INVALID_VALUE);
    *pitch = (width + 511) & ~(size_t)511;
    return stub_alloc(ctx, ctx->device, *pitch * height, RANGE_DEVICE, out);
}

/* Waits for the device, as the driver does before it takes memory away. */
API CUresult cuMemFree_v2(CUdeviceptr pointer)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    if (pointer == 0)
        return CUDA_SUCCESS;
    range r;
    NEED(stub_find(pointer, &r) && r.base == pointer && (r.kind == RANGE_DEVICE || r.kind == RANGE_POOL), CUDA_ERROR_INVALID_VALUE);
    stub_drain(r.ctx != NULL ? r.ctx : ctx);
    return stub_free(pointer);
}

API CUresult cuMemAllocHost_v2(void **out, size_t bytes);

API CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    NEED(out != NULL && bytes > 0 && flags <= 7, CUDA_ERROR_INVALID_VALUE);
    size_t rounded = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
    void *at = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(at != MAP_FAILED, CUDA_ERROR_OUT_OF_MEMORY);
    stub_add_range((range){ .base = (uintptr_t)at, .size = bytes, .mapped = rounded, .kind = RANGE_HOST, .ctx = ctx, .device = -1, .fd = -1,
                            .flags = flags | 2, .accessible = true });
    *out = at;
    return CUDA_SUCCESS;
}

API CUresult cuMemAllocHost_v2(void **out, size_t bytes) { return cuMemHostAlloc(out, bytes, 0); }

API CUresult cuMemFreeHost(void *pointer)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    range r;
    NEED(stub_find((uintptr_t)pointer, &r) && r.base == (uintptr_t)pointer && r.kind == RANGE_HOST, CUDA_ERROR_INVALID_VALUE);
    stub_drain(ctx);
    NEED(stub_remove_range((uintptr_t)pointer, RANGE_HOST, &r), CUDA_ERROR_INVALID_VALUE);
    munmap(pointer, r.mapped);
    return CUDA_SUCCESS;
}

API CUresult cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    NEED(pointer != NULL && bytes > 0 && flags <= 15, CUDA_ERROR_INVALID_VALUE);
    range r = { .base = (uintptr_t)pointer, .size = bytes, .kind = RANGE_REGISTERED, .ctx = ctx, .device = -1, .fd = -1, .flags = flags, .accessible = true };
    return stub_add_range(r) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
}

API CUresult cuMemHostUnregister(void *pointer)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    TRY(stub_capture_forbids());
    range r;
    return stub_remove_range((uintptr_t)pointer, RANGE_REGISTERED, &r) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}

__attribute__((destructor)) static void report_leaks(void)
{
    if (!stub_flag("STUB_CUDA_REPORT_LEAKS"))
        return;
    size_t bytes = 0;
    for (size_t i = 0; i < s_count; i++)
        bytes += s_ranges[i].size;
    fprintf(stderr, "stub libcuda: %zu allocations, %zu bytes not freed\n", s_count, bytes);
}
