/* Virtual memory management: a handle is a memfd, a reservation is a PROT_NONE mapping, access is mprotect. */
#include "../stub.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GRANULARITY = 2 << 20, HANDLE_FD = 1 };
struct location { int type, id; };
struct access { struct location where; int flags; };
struct alloc_props { int type, handle_types; struct location where; void *metadata; unsigned char compression, rdma; unsigned short usage; unsigned char reserved[4]; };

struct allocation { int fd; size_t size; CUdevice device; unsigned handles, mappings; bool shareable; };
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static struct allocation *s_allocations[4096]; /* by handle */
static struct { uintptr_t base; size_t size; } s_reserved[1 << 16]; /* the SDK keeps addresses for good */

/* The caller holds s_lock. */
static uint64_t add(struct allocation a)
{
    for (uint64_t i = 1; i < sizeof s_allocations / sizeof *s_allocations; i++) {
        if (s_allocations[i] == NULL) {
            s_allocations[i] = malloc(sizeof a);
            *s_allocations[i] = a;
            return i;
        }
    }
    return 0;
}

/* The caller holds s_lock. */
static struct allocation *get(uint64_t handle)
{
    struct allocation *a = handle < sizeof s_allocations / sizeof *s_allocations ? s_allocations[handle] : NULL;
    return a;
}

/* The caller holds s_lock. */
static void drop_if_unused(uint64_t handle)
{
    struct allocation *a = s_allocations[handle];
    if (a->handles == 0 && a->mappings == 0) {
        close(a->fd);
        free(a);
        s_allocations[handle] = NULL;
    }
}

static CUresult check_props(const struct alloc_props *p)
{
    NEED(p != NULL && p->type == 1, CUDA_ERROR_INVALID_VALUE);
    NEED(p->where.type == 1, CUDA_ERROR_NOT_SUPPORTED);
    NEED((p->handle_types & ~HANDLE_FD) == 0, CUDA_ERROR_NOT_SUPPORTED);
    return stub_physical(p->where.id) >= 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

API CUresult cuMemGetAllocationGranularity(size_t *out, const struct alloc_props *props, int option)
{
    ENTER();
    NEED(out != NULL && (option == 0 || option == 1), CUDA_ERROR_INVALID_VALUE);
    TRY(check_props(props));
    *out = GRANULARITY;
    return CUDA_SUCCESS;
}

API CUresult cuMemAddressReserve(CUdeviceptr *out, size_t size, size_t alignment, CUdeviceptr hint, uint64_t flags)
{
    ENTER();
    (void)hint;
    NEED(out != NULL && flags == 0 && size > 0 && size % GRANULARITY == 0 && (alignment & (alignment - 1)) == 0, CUDA_ERROR_INVALID_VALUE);
    size_t align = alignment > GRANULARITY ? alignment : GRANULARITY;
    char *at = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    NEED(at != MAP_FAILED, CUDA_ERROR_OUT_OF_MEMORY);
    char *base = (char *)(((uintptr_t)at + align - 1) & ~(align - 1));
    if (base > at)
        munmap(at, (size_t)(base - at));
    munmap(base + size, align - (size_t)(base - at));
    pthread_mutex_lock(&s_lock);
    bool kept = false;
    for (size_t i = 0; i < sizeof s_reserved / sizeof *s_reserved && !kept; i++) {
        if (s_reserved[i].size == 0) {
            s_reserved[i].base = (uintptr_t)base;
            s_reserved[i].size = size;
            kept = true;
        }
    }
    pthread_mutex_unlock(&s_lock);
    *out = (uintptr_t)base;
    return kept ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API CUresult cuMemAddressFree(CUdeviceptr base, size_t size)
{
    ENTER();
    NEED(!stub_known(base, 1), CUDA_ERROR_INVALID_VALUE);
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&s_lock);
    for (size_t i = 0; i < sizeof s_reserved / sizeof *s_reserved; i++) {
        if (size > 0 && s_reserved[i].base == base && s_reserved[i].size == size) {
            s_reserved[i].size = 0;
            munmap((void *)base, size);
            result = CUDA_SUCCESS;
            break;
        }
    }
    pthread_mutex_unlock(&s_lock);
    return result;
}

API CUresult cuMemCreate(uint64_t *out, size_t size, const struct alloc_props *props, uint64_t flags)
{
    ENTER();
    NEED(out != NULL && flags == 0 && size > 0 && size % GRANULARITY == 0, CUDA_ERROR_INVALID_VALUE);
    TRY(check_props(props));
    NEED(size <= stub_total_memory(), CUDA_ERROR_OUT_OF_MEMORY);
    char name[32];
    snprintf(name, sizeof name, "stub-vmm-%d", stub_physical(props->where.id));
    int fd = memfd_create(name, MFD_CLOEXEC);
    NEED(fd >= 0, CUDA_ERROR_OUT_OF_MEMORY);
    if (ftruncate(fd, (off_t)size) != 0) {
        close(fd);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    pthread_mutex_lock(&s_lock);
    *out = add((struct allocation){ fd, size, props->where.id, 1, 0, (props->handle_types & HANDLE_FD) != 0 });
    pthread_mutex_unlock(&s_lock);
    return *out != 0 ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API CUresult cuMemRelease(uint64_t handle)
{
    ENTER();
    pthread_mutex_lock(&s_lock);
    struct allocation *a = get(handle);
    bool held = a != NULL && a->handles > 0;
    if (held) {
        a->handles--;
        drop_if_unused(handle);
    }
    pthread_mutex_unlock(&s_lock);
    return held ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static bool reserved(uintptr_t base, size_t size)
{
    for (size_t i = 0; i < sizeof s_reserved / sizeof *s_reserved; i++) {
        if (s_reserved[i].size > 0 && base >= s_reserved[i].base && base + size <= s_reserved[i].base + s_reserved[i].size)
            return true;
    }
    return false;
}

API CUresult cuMemMap(CUdeviceptr base, size_t size, size_t offset, uint64_t handle, uint64_t flags)
{
    ENTER();
    NEED(flags == 0 && offset == 0 && base % GRANULARITY == 0, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&s_lock);
    struct allocation *a = get(handle);
    CUresult result = a != NULL && a->handles > 0 && size == a->size && reserved(base, size) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS) {
        range r = { .base = base, .size = size, .mapped = size, .kind = RANGE_VIRTUAL, .device = a->device, .fd = a->fd, .handle = handle };
        if (!stub_add_range(r))
            result = CUDA_ERROR_INVALID_VALUE;
        else if (mmap((void *)base, size, PROT_NONE, MAP_SHARED | MAP_FIXED, a->fd, 0) == MAP_FAILED)
            result = CUDA_ERROR_MAP_FAILED;
        else
            a->mappings++;
    }
    pthread_mutex_unlock(&s_lock);
    return result;
}

API CUresult cuMemSetAccess(CUdeviceptr base, size_t size, const struct access *map, size_t count)
{
    ENTER();
    NEED(map != NULL && count > 0 && size > 0, CUDA_ERROR_INVALID_VALUE);
    int protection = PROT_NONE;
    for (size_t i = 0; i < count; i++) {
        NEED(map[i].where.type != 1 || stub_physical(map[i].where.id) >= 0, CUDA_ERROR_INVALID_DEVICE);
        protection |= map[i].flags == 3 ? PROT_READ | PROT_WRITE : map[i].flags == 1 ? PROT_READ : PROT_NONE;
    }
    for (uintptr_t at = base; at < base + size;) {
        range r;
        NEED(stub_find(at, &r) && r.kind == RANGE_VIRTUAL && r.base == at && at + r.size <= base + size, CUDA_ERROR_INVALID_VALUE);
        NEED(mprotect((void *)at, r.size, protection) == 0, CUDA_ERROR_INVALID_VALUE);
        NEED(stub_remove_range(at, RANGE_VIRTUAL, &r), CUDA_ERROR_INVALID_VALUE);
        r.accessible = protection != PROT_NONE;
        stub_add_range(r);
        at += r.size;
    }
    return CUDA_SUCCESS;
}

API CUresult cuMemUnmap(CUdeviceptr base, size_t size)
{
    ENTER();
    for (uintptr_t at = base; at < base + size;) {
        range r;
        NEED(stub_find(at, &r) && r.kind == RANGE_VIRTUAL && r.base == at && at + r.size <= base + size, CUDA_ERROR_INVALID_VALUE);
        NEED(stub_remove_range(at, RANGE_VIRTUAL, &r), CUDA_ERROR_INVALID_VALUE);
        mmap((void *)at, r.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        pthread_mutex_lock(&s_lock);
        s_allocations[r.handle]->mappings--;
        drop_if_unused(r.handle);
        pthread_mutex_unlock(&s_lock);
        at += r.size;
    }
    return CUDA_SUCCESS;
}

API CUresult cuMemGetAccess(uint64_t *flags, const struct location *where, CUdeviceptr address)
{
    ENTER();
    range r;
    NEED(flags != NULL && where != NULL && stub_find(address, &r) && r.kind == RANGE_VIRTUAL, CUDA_ERROR_INVALID_VALUE);
    *flags = r.accessible ? 3 : 0;
    return CUDA_SUCCESS;
}

API CUresult cuMemExportToShareableHandle(void *out, uint64_t handle, int type, uint64_t flags)
{
    ENTER();
    NEED(out != NULL && flags == 0, CUDA_ERROR_INVALID_VALUE);
    NEED(type == HANDLE_FD, CUDA_ERROR_NOT_SUPPORTED);
    pthread_mutex_lock(&s_lock);
    struct allocation *a = get(handle);
    int fd = a != NULL && a->handles > 0 && a->shareable ? fcntl(a->fd, F_DUPFD_CLOEXEC, 0) : -1;
    pthread_mutex_unlock(&s_lock);
    NEED(fd >= 0, CUDA_ERROR_INVALID_VALUE);
    *(int *)out = fd;
    return CUDA_SUCCESS;
}

API CUresult cuMemImportFromShareableHandle(uint64_t *out, void *os_handle, int type)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(type == HANDLE_FD, CUDA_ERROR_NOT_SUPPORTED);
    char link[64], target[64] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", (int)(intptr_t)os_handle);
    int physical;
    struct stat file;
    NEED(readlink(link, target, sizeof target - 1) > 0 && sscanf(target, "/memfd:stub-vmm-%d", &physical) == 1, CUDA_ERROR_INVALID_VALUE);
    NEED(fstat((int)(intptr_t)os_handle, &file) == 0, CUDA_ERROR_INVALID_VALUE);
    /* The owner's device may be hidden from this process: then the memory seems to lie on the first. */
    CUdevice device = 0;
    for (CUdevice i = 0; i < stub_device_count(); i++)
        device = stub_physical(i) == physical ? i : device;
    int fd = fcntl((int)(intptr_t)os_handle, F_DUPFD_CLOEXEC, 0);
    NEED(fd >= 0, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&s_lock);
    *out = add((struct allocation){ fd, (size_t)file.st_size, device, 1, 0, true });
    pthread_mutex_unlock(&s_lock);
    return *out != 0 ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API CUresult cuMemRetainAllocationHandle(uint64_t *out, void *address)
{
    ENTER();
    range r;
    NEED(out != NULL && stub_find((uintptr_t)address, &r) && r.kind == RANGE_VIRTUAL, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&s_lock);
    s_allocations[r.handle]->handles++;
    pthread_mutex_unlock(&s_lock);
    *out = r.handle;
    return CUDA_SUCCESS;
}

API CUresult cuMemGetAllocationPropertiesFromHandle(struct alloc_props *out, uint64_t handle)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&s_lock);
    struct allocation *a = get(handle);
    bool held = a != NULL && a->handles > 0;
    if (held)
        *out = (struct alloc_props){ .type = 1, .handle_types = a->shareable ? HANDLE_FD : 0, .where = { 1, a->device } };
    pthread_mutex_unlock(&s_lock);
    return held ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
