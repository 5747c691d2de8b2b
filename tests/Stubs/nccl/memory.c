/* Memory of NCCL's own, and registration, which is only kept account of. */
#include "stub.h"

#include <stdlib.h>

struct window { unsigned magic; comm *c; uintptr_t base; size_t size; };
enum { WINDOW_MAGIC = 0x77696e64, DEVICE = 1, PINNED = 1, FD = 1, READ_WRITE = 3 };
struct props { int type, handle_types, location_type, location_id; void *metadata; unsigned char flags[8]; };
struct access { int location_type, location_id, flags; };

static ncclResult_t allocate(const struct driver *d, int device, size_t size, uintptr_t *out)
{
    struct props props = { PINNED, FD, DEVICE, device, NULL, { 0 } };
    struct access access = { DEVICE, device, READ_WRITE };
    size_t granularity;
    uint64_t handle;
    TRY(CUDA(cuMemGetAllocationGranularity, &granularity, &props, 1));
    size = (size + granularity - 1) / granularity * granularity;
    TRY(CUDA(cuMemCreate, &handle, size, &props, 0));
    ncclResult_t result = CUDA(cuMemAddressReserve, out, size, 0, 0, 0);
    if (result == ncclSuccess)
        result = CUDA(cuMemMap, *out, size, 0, handle, 0);
    if (result == ncclSuccess)
        result = CUDA(cuMemSetAccess, *out, size, &access, 1);
    (void)CUDA(cuMemRelease, handle); /* the mapping keeps it */
    return result;
}

API ncclResult_t ncclMemAlloc(void **out, size_t size)
{
    TRY(stub_enter(__func__, NULL, size, 0));
    NEED(out != NULL && size > 0, ncclInvalidArgument, "%s : size %zu, or a NULL pointer", __func__, size);
    const struct driver *d = stub_driver();
    int device;
    if (d == NULL)
        return ncclSystemError;
    TRY(CUDA(cuCtxGetDevice, &device));
    return allocate(d, device, size, (uintptr_t *)out);
}

API ncclResult_t ncclMemFree(void *pointer)
{
    TRY(stub_enter(__func__, NULL, 0, 0));
    if (pointer == NULL)
        return ncclSuccess;
    const struct driver *d = stub_driver();
    uintptr_t base;
    size_t size;
    if (d == NULL)
        return ncclSystemError;
    TRY(CUDA(cuMemGetAddressRange_v2, &base, &size, (uintptr_t)pointer));
    NEED(base == (uintptr_t)pointer, ncclInvalidArgument, "%s : %p lies inside an allocation", __func__, pointer);
    TRY(CUDA(cuMemUnmap, base, size));
    return CUDA(cuMemAddressFree, base, size);
}

static ncclResult_t check(const char *name, comm *c, const void *buffer, size_t size, void *out)
{
    const struct driver *d = stub_driver();
    unsigned type;
    TRY(stub_enter(name, c, size, 0));
    TRY(stub_ready(name, c));
    NEED(buffer != NULL && size > 0 && out != NULL, ncclInvalidArgument, "%s : size %zu, or a NULL pointer", name, size);
    if (d == NULL)
        return ncclSystemError;
    NEED(CUDA(cuPointerGetAttribute, &type, 2, (uintptr_t)buffer) == ncclSuccess && CUDA(cuPointerGetAttribute, &type, 2, (uintptr_t)buffer + size - 1) == ncclSuccess,
         ncclInvalidArgument, "%s : %p is not a valid pointer to %zu bytes", name, buffer, size);
    return ncclSuccess;
}

static struct window *new_window(comm *c, const void *buffer, size_t size)
{
    struct window *w = malloc(sizeof *w);
    *w = (struct window){ WINDOW_MAGIC, c, (uintptr_t)buffer, size };
    return w;
}

static ncclResult_t drop(const char *name, comm *c, struct window *w)
{
    TRY(stub_enter(name, c, 0, 0));
    TRY(stub_living(name, c));
    if (w == NULL)
        return ncclSuccess;
    NEED(w->magic == WINDOW_MAGIC && w->c == c, ncclInvalidArgument, "%s : this was not registered with this communicator", name);
    w->magic = 0; /* kept, so that it is told when it comes again */
    return ncclSuccess;
}

API ncclResult_t ncclCommRegister(comm *c, void *buffer, size_t size, void **handle)
{
    TRY(check(__func__, c, buffer, size, handle));
    *handle = new_window(c, buffer, size);
    return ncclSuccess;
}

API ncclResult_t ncclCommDeregister(comm *c, void *handle) { return drop(__func__, c, handle); }

static ncclResult_t register_window(struct job *j)
{
    int who[MAX_RANKS];
    char all[MAX_RANKS][BOARD_BYTES];
    for (int i = 0; i < j->c->ranks; i++)
        who[i] = i;
    TRY(stub_exchange(j->c, LANE_WINDOW, who, j->c->ranks, &j->size, sizeof j->size, all));
    for (int i = 0; i < j->c->ranks; i++)
        NEED(*(size_t *)all[i] == j->size, ncclInvalidArgument, "stub: rank %d registers %zu bytes, rank %d %zu", j->c->rank, j->size, i, *(size_t *)all[i]);
    *j->out = new_window(j->c, j->buffer, j->size);
    return ncclSuccess;
}

/* Collective: returns when all ranks have come. */
API ncclResult_t ncclCommWindowRegister(comm *c, void *buffer, size_t size, void **window, int flags)
{
    (void)flags;
    TRY(stub_group_error(check(__func__, c, buffer, size, window)));
    return stub_add_job((struct job){ .c = c, .run = register_window, .buffer = buffer, .out = window, .size = size });
}

API ncclResult_t ncclCommWindowDeregister(comm *c, void *window) { return drop(__func__, c, window); }

API ncclResult_t ncclWinGetUserPtr(comm *c, struct window *w, void **out)
{
    TRY(stub_enter(__func__, c, 0, 0));
    TRY(stub_living(__func__, c));
    NEED(w != NULL && w->magic == WINDOW_MAGIC && w->c == c && out != NULL, ncclInvalidArgument, "%s : no window of this communicator", __func__);
    *out = (void *)w->base;
    return ncclSuccess;
}
