/* The collectives, sends and receives: what NCCL refuses is refused, the rest is left to the group. */
#include "stub.h"

#include <string.h>

enum { POINTER_MEMORY_TYPE = 2, POINTER_ORDINAL = 9, MEMORY_DEVICE = 2 };

static ncclResult_t check_device(const struct driver *d, const char *name, comm *c)
{
    void *current = NULL;
    int device = -1;
    TRY(CUDA(cuCtxGetCurrent, &current));
    if (current != NULL)
        TRY(CUDA(cuCtxGetDevice, &device));
    NEED(device == c->device, ncclInvalidUsage, "%s : the communicator is of CUDA device %d, the thread's current context is %s %d", name, c->device,
         current == NULL ? "none:" : "of device", device);
    return ncclSuccess;
}

/* Memory of the communicator's device, or pinned on the host: first and last byte. */
static ncclResult_t check_pointer(const struct driver *d, const char *name, comm *c, const void *pointer, size_t bytes, const char *which)
{
    NEED(bytes == 0 || pointer != NULL, ncclInvalidArgument, "%s : %s argument is NULL", name, which);
    for (int end = 0; end < 2 && bytes > 0; end++) {
        uintptr_t address = (uintptr_t)pointer + (end ? bytes - 1 : 0);
        unsigned type = 0;
        int device = -1;
        if (CUDA(cuPointerGetAttribute, &type, POINTER_MEMORY_TYPE, address) != ncclSuccess
            || CUDA(cuPointerGetAttribute, &device, POINTER_ORDINAL, address) != ncclSuccess)
            return stub_fail(ncclInvalidArgument, "%s : %s %p is not a valid pointer%s", name, which, pointer, end ? " to its end" : "");
        NEED(type != MEMORY_DEVICE || device == c->device, ncclInvalidArgument, "%s : %s allocated on device %d mismatchs with NCCL device %d", name, which, device,
             c->device);
    }
    return ncclSuccess;
}

static ncclResult_t check_op(const char *name, comm *c, struct task *t)
{
    NEED(t->op >= 0, ncclInvalidArgument, "%s : invalid reduction operation %d", name, t->op);
    if (t->op < ncclNumOps)
        return ncclSuccess;
    int index = t->op - ncclNumOps;
    NEED(index < MAX_REDOPS && c->redops[index].live, ncclInvalidArgument, "%s : reduction operation %d unknown to this communicator", name, t->op);
    NEED(c->redops[index].type == t->type, ncclInvalidArgument, "%s : reduction operation %d is of type %d, the call of %d", name, t->op, c->redops[index].type, t->type);
    t->scale = c->redops[index].scale;
    t->device_scale = c->redops[index].device_scale;
    t->op = PREMUL_SUM;
    return ncclSuccess;
}

/* How many times COUNT elements this rank gives and gets. */
static void shares(const comm *c, const struct task *t, size_t *gives, size_t *gets)
{
    size_t n = (size_t)c->ranks;
    bool root = t->peer == c->rank;
    *gives = *gets = 1;
    switch (t->kind) {
    case TASK_REDUCE: *gets = root; break;
    case TASK_BROADCAST: *gives = root; break;
    case TASK_ALL_GATHER: *gets = n; break;
    case TASK_REDUCE_SCATTER: *gives = n; break;
    case TASK_ALL_TO_ALL: *gives = *gets = n; break;
    case TASK_GATHER: *gets = root ? n : 0; break;
    case TASK_SCATTER: *gives = root ? n : 0; break;
    case TASK_SEND: *gets = 0; break;
    case TASK_RECV: *gives = 0; break;
    default: break;
    }
}

static ncclResult_t check(const char *name, comm *c, struct task *t, bool reduces)
{
    TRY(stub_enter(name, c, t->count, t->type));
    TRY(stub_ready(name, c));
    NEED(!c->finalized, ncclInvalidUsage, "%s : the communicator is finalized", name);
    int types = stub_version() < 22403 ? ncclFloat8e4m3 : TYPES;
    NEED(t->type >= 0 && t->type < types, ncclInvalidArgument, "%s : invalid type %d", name, t->type);
    if (reduces)
        TRY(check_op(name, c, t));
    NEED(t->peer >= 0 && t->peer < c->ranks, ncclInvalidArgument, "%s : invalid root %d (root should be in the 0..%d range)", name, t->peer, c->ranks);
    const struct driver *d = stub_driver();
    if (d == NULL)
        return ncclSystemError;
    TRY(check_device(d, name, c));
    size_t gives, gets, bytes = t->count * stub_type_size(t->type);
    shares(c, t, &gives, &gets);
    TRY(check_pointer(d, name, c, t->send, bytes * gives, "sendbuff"));
    return check_pointer(d, name, c, t->recv, bytes * gets, "recvbuff");
}

static ncclResult_t call(const char *name, comm *c, void *stream, struct task t, bool reduces)
{
    TRY(stub_group_error(check(name, c, &t, reduces)));
    return t.count == 0 ? ncclSuccess : stub_add_task(c, stream, t);
}

API ncclResult_t ncclAllReduce(const void *send, void *recv, size_t count, int type, int op, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_ALL_REDUCE, send, recv, count, type, op, 0, 0, NULL }, true);
}

API ncclResult_t ncclReduce(const void *send, void *recv, size_t count, int type, int op, int root, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_REDUCE, send, recv, count, type, op, root, 0, NULL }, true);
}

API ncclResult_t ncclReduceScatter(const void *send, void *recv, size_t count, int type, int op, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_REDUCE_SCATTER, send, recv, count, type, op, 0, 0, NULL }, true);
}

API ncclResult_t ncclBroadcast(const void *send, void *recv, size_t count, int type, int root, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_BROADCAST, send, recv, count, type, 0, root, 0, NULL }, false);
}

API ncclResult_t ncclBcast(void *buffer, size_t count, int type, int root, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_BROADCAST, buffer, buffer, count, type, 0, root, 0, NULL }, false);
}

API ncclResult_t ncclAllGather(const void *send, void *recv, size_t count, int type, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_ALL_GATHER, send, recv, count, type, 0, 0, 0, NULL }, false);
}

API ncclResult_t ncclAlltoAll(const void *send, void *recv, size_t count, int type, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_ALL_TO_ALL, send, recv, count, type, 0, 0, 0, NULL }, false);
}

API ncclResult_t ncclGather(const void *send, void *recv, size_t count, int type, int root, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_GATHER, send, recv, count, type, 0, root, 0, NULL }, false);
}

API ncclResult_t ncclScatter(const void *send, void *recv, size_t count, int type, int root, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_SCATTER, send, recv, count, type, 0, root, 0, NULL }, false);
}

API ncclResult_t ncclSend(const void *send, size_t count, int type, int peer, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_SEND, send, NULL, count, type, 0, peer, 0, NULL }, false);
}

API ncclResult_t ncclRecv(void *recv, size_t count, int type, int peer, comm *c, void *stream)
{
    return call(__func__, c, stream, (struct task){ TASK_RECV, NULL, recv, count, type, 0, peer, 0, NULL }, false);
}

API ncclResult_t ncclRedOpCreatePreMulSum(int *op, const void *scalar, int type, int residence, comm *c)
{
    TRY(stub_enter(__func__, c, 1, type));
    TRY(stub_ready(__func__, c));
    NEED(op != NULL && scalar != NULL && type >= 0 && type < TYPES && (residence == 0 || residence == 1), ncclInvalidArgument,
         "%s : invalid type %d or residence %d, or a NULL pointer", __func__, type, residence);
    for (int i = 0; i < MAX_REDOPS; i++) {
        if (c->redops[i].live)
            continue;
        c->redops[i] = (struct redop){ true, type, 0, residence == 0 ? scalar : NULL };
        if (residence == 1)
            memcpy(&c->redops[i].scale, scalar, stub_type_size(type));
        *op = ncclNumOps + i;
        return ncclSuccess;
    }
    return stub_fail(ncclInternalError, "stub: more than %d operations on a communicator", MAX_REDOPS);
}

API ncclResult_t ncclRedOpDestroy(int op, comm *c)
{
    TRY(stub_enter(__func__, c, 0, 0));
    TRY(stub_living(__func__, c));
    int index = op - ncclNumOps;
    NEED(index >= 0 && index < MAX_REDOPS && c->redops[index].live, ncclInvalidArgument, "ncclRedOpDestroy : operator unknown to this communicator");
    c->redops[index].live = false;
    return ncclSuccess;
}
