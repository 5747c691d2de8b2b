/* Memory of another process: its memfd, opened by the process's number. */
#include "../stub.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory_handle { char tag[8]; int32_t pid, fd, physical, zero; uint64_t offset, size, id; char rest[16]; };
_Static_assert(sizeof(struct memory_handle) == 64, "CUipcMemHandle");

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { struct memory_handle handle; uintptr_t at; } s_open[256];

API CUresult cuIpcGetMemHandle(struct memory_handle *out, CUdeviceptr address)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    range r;
    NEED(out != NULL && stub_find(address, &r) && r.kind == RANGE_DEVICE, CUDA_ERROR_INVALID_VALUE);
    *out = (struct memory_handle){ "stubmem", getpid(), r.fd, stub_physical(r.device), 0, r.offset, r.size, r.id, { 0 } };
    return CUDA_SUCCESS;
}

static CUresult map(const struct memory_handle *h, context *ctx, uintptr_t *out)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", h->pid, h->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    NEED(fd >= 0, CUDA_ERROR_INVALID_VALUE);
    size_t mapped = (h->size + 4095) & ~(size_t)4095;
    void *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)h->offset);
    close(fd);
    NEED(at != MAP_FAILED, CUDA_ERROR_MAP_FAILED);
    CUdevice device = ctx->device;
    for (CUdevice i = 0; i < stub_device_count(); i++)
        device = stub_physical(i) == h->physical ? i : device;
    stub_add_range((range){ .base = (uintptr_t)at, .size = h->size, .mapped = mapped, .kind = RANGE_IPC, .ctx = ctx, .device = device, .fd = -1, .uses = 1,
                            .accessible = true });
    *out = (uintptr_t)at;
    return CUDA_SUCCESS;
}

/* The same handle again gives the same address; each has to be closed. */
API CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *out, struct memory_handle handle, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    NEED(out != NULL && flags == 1 && memcmp(handle.tag, "stubmem", 8) == 0, CUDA_ERROR_INVALID_VALUE);
    NEED(handle.pid != getpid(), CUDA_ERROR_INVALID_CONTEXT);
    CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
    pthread_mutex_lock(&s_lock);
    size_t unused = sizeof s_open / sizeof *s_open;
    for (size_t i = 0; i < sizeof s_open / sizeof *s_open; i++) {
        range r;
        if (s_open[i].at == 0) {
            unused = i < unused ? i : unused;
        } else if (memcmp(&s_open[i].handle, &handle, sizeof handle) == 0 && stub_use_range(s_open[i].at, RANGE_IPC, 1, &r)) {
            *out = s_open[i].at;
            pthread_mutex_unlock(&s_lock);
            return CUDA_SUCCESS;
        }
    }
    if (unused < sizeof s_open / sizeof *s_open && (result = map(&handle, ctx, out)) == CUDA_SUCCESS) {
        s_open[unused].handle = handle;
        s_open[unused].at = *out;
    }
    pthread_mutex_unlock(&s_lock);
    return result;
}

API CUresult cuIpcCloseMemHandle(CUdeviceptr address)
{
    ENTER_CONTEXT(ctx);
    TRY(stub_capture_forbids());
    range r;
    NEED(stub_find(address, &r) && r.kind == RANGE_IPC && r.base == address, CUDA_ERROR_INVALID_VALUE);
    stub_drain(ctx);
    pthread_mutex_lock(&s_lock);
    bool found = stub_use_range(address, RANGE_IPC, -1, &r);
    if (found && r.uses == 0 && stub_remove_range(address, RANGE_IPC, &r)) {
        for (size_t i = 0; i < sizeof s_open / sizeof *s_open; i++)
            s_open[i].at = s_open[i].at == address ? 0 : s_open[i].at;
        munmap((void *)address, r.mapped);
    }
    pthread_mutex_unlock(&s_lock);
    return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
