/* What an address belongs to, as the driver tells it. */
#include "../stub.h"

#include <string.h>

enum { POINTER_CONTEXT = 1, POINTER_MEMORY_TYPE = 2, POINTER_DEVICE = 3, POINTER_HOST = 4, POINTER_SYNC_MEMOPS = 6, POINTER_BUFFER_ID = 7, POINTER_IS_MANAGED = 8,
       POINTER_ORDINAL = 9, POINTER_LEGACY_IPC = 10, POINTER_START = 11, POINTER_SIZE = 12, POINTER_MAPPED = 13, POINTER_HANDLE_TYPES = 14, POINTER_RDMA = 15,
       POINTER_ACCESS = 16, POINTER_POOL = 17, POINTER_MAPPING_SIZE = 18, POINTER_MAPPING_BASE = 19, POINTER_BLOCK_ID = 20 };

static bool on_host(const range *r) { return r->kind == RANGE_HOST || r->kind == RANGE_REGISTERED; }

static CUresult attribute(void *out, int which, const range *r, uintptr_t address)
{
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    switch (which) {
    /* Memory of pools and of mappings belongs to a device, to no context. */
    case POINTER_CONTEXT: *(context **)out = r->kind == RANGE_POOL || r->kind == RANGE_VIRTUAL ? NULL : r->ctx; break;
    case POINTER_MEMORY_TYPE: *(unsigned *)out = on_host(r) ? 1 : 2; break;
    case POINTER_DEVICE: *(uintptr_t *)out = address; break;
    case POINTER_HOST:
        NEED(on_host(r), CUDA_ERROR_INVALID_VALUE);
        *(uintptr_t *)out = address;
        break;
    case POINTER_SYNC_MEMOPS: case POINTER_IS_MANAGED: case POINTER_RDMA: *(unsigned char *)out = 0; break;
    case POINTER_BUFFER_ID: case POINTER_BLOCK_ID: *(uint64_t *)out = r->id; break;
    case POINTER_ORDINAL: *(int *)out = on_host(r) ? r->ctx->device : r->device; break;
    case POINTER_LEGACY_IPC: *(unsigned char *)out = r->kind == RANGE_DEVICE; break;
    case POINTER_START: case POINTER_MAPPING_BASE: *(uintptr_t *)out = r->base; break;
    case POINTER_SIZE: case POINTER_MAPPING_SIZE: *(size_t *)out = r->size; break;
    case POINTER_MAPPED: *(unsigned char *)out = 1; break;
    case POINTER_HANDLE_TYPES: *(uint64_t *)out = r->kind == RANGE_VIRTUAL ? 1 : 0; break;
    case POINTER_ACCESS: *(unsigned *)out = 3; break;
    case POINTER_POOL: *(void **)out = NULL; break;
    default: return CUDA_ERROR_NOT_SUPPORTED;
    }
    return CUDA_SUCCESS;
}

API CUresult cuPointerGetAttribute(void *out, int which, CUdeviceptr address)
{
    ENTER();
    range r;
    NEED(stub_find(address, &r), CUDA_ERROR_INVALID_VALUE);
    return attribute(out, which, &r, address);
}

/* Unlike the single one this has no error for an unknown address: everything is 0. */
API CUresult cuPointerGetAttributes(unsigned count, const int *which, void **out, CUdeviceptr address)
{
    ENTER();
    NEED(which != NULL && out != NULL, CUDA_ERROR_INVALID_VALUE);
    range none = { .kind = RANGE_VIRTUAL, .device = -2 }, r = none;
    bool known = stub_find(address, &r);
    for (unsigned i = 0; i < count; i++) {
        if (!known && which[i] == POINTER_MEMORY_TYPE)
            *(unsigned *)out[i] = 0;
        else if (!known && which[i] == POINTER_MAPPED)
            *(unsigned char *)out[i] = 0;
        else if (!known && which[i] == POINTER_DEVICE)
            *(uintptr_t *)out[i] = 0;
        else if (attribute(out[i], which[i], &r, address) != CUDA_SUCCESS && which[i] == POINTER_HOST)
            *(uintptr_t *)out[i] = 0;
    }
    return CUDA_SUCCESS;
}

API CUresult cuPointerSetAttribute(const void *value, int which, CUdeviceptr address)
{
    ENTER();
    NEED(value != NULL && which == POINTER_SYNC_MEMOPS && stub_find(address, NULL), CUDA_ERROR_INVALID_VALUE);
    return CUDA_SUCCESS;
}

API CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr address)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    range r;
    NEED(stub_find(address, &r), CUDA_ERROR_NOT_FOUND);
    if (base != NULL)
        *base = r.base;
    if (size != NULL)
        *size = r.size;
    return CUDA_SUCCESS;
}

API CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *pointer, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    range r;
    NEED(out != NULL && flags == 0 && stub_find((uintptr_t)pointer, &r) && on_host(&r), CUDA_ERROR_INVALID_VALUE);
    *out = (uintptr_t)pointer;
    return CUDA_SUCCESS;
}

API CUresult cuMemHostGetFlags(unsigned *flags, void *pointer)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    range r;
    NEED(flags != NULL && stub_find((uintptr_t)pointer, &r) && r.kind == RANGE_HOST, CUDA_ERROR_INVALID_VALUE);
    *flags = r.flags;
    return CUDA_SUCCESS;
}
