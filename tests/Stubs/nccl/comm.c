/* A communicator's questions and its end. The memory of one that has ended is kept, so that a stale handle is told, not followed. */
#include "stub.h"

#include <stdlib.h>
#include <time.h>

ncclResult_t stub_living(const char *name, comm *c)
{
    NEED(c != NULL, ncclInvalidArgument, "%s : comm argument is NULL", name);
    NEED(c->magic == COMM_MAGIC, ncclInvalidArgument, "%s : the communicator is corrupted or was destroyed", name);
    return ncclSuccess;
}

static bool in_progress(comm *c)
{
    pthread_mutex_lock(&c->mutex);
    bool waits = c->jobs > 0 || c->deferred != NULL || c->polls_left > 0;
    pthread_mutex_unlock(&c->mutex);
    return waits;
}

ncclResult_t stub_ready(const char *name, comm *c)
{
    TRY(stub_living(name, c));
    NEED(!atomic_load(&c->aborted) && !atomic_load(&c->revoked), ncclInvalidUsage, "%s : the communicator was aborted or revoked", name);
    NEED(!in_progress(c), ncclInvalidArgument, "Attempt to use communicator before the previous operation returned ncclSuccess");
    ncclResult_t error = atomic_load(&c->error);
    NEED(error == ncclSuccess, error, "%s : the communicator has an error: %d", name, error);
    return ncclSuccess;
}

/* Waits, with the lock held, for what other threads do; true at the latest after a moment. */
static void doze(comm *c)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&c->changed, &c->mutex, &until);
}

/* What was enqueued runs to its end, unless the device has failed. The caller holds the lock. */
static void drain(comm *c)
{
    const struct driver *d = stub_driver();
    void *popped;
    while (c->queued > 0 && !atomic_load(&c->aborted)) {
        doze(c);
        int device;
        bool usable = CUDA(cuCtxPushCurrent_v2, c->context) == ncclSuccess;
        if (usable) {
            usable = CUDA(cuCtxGetDevice, &device) == ncclSuccess;
            (void)CUDA(cuCtxPopCurrent_v2, &popped);
        }
        if (!usable)
            break;
    }
}

static void free_deferred(comm *c)
{
    while (c->deferred != NULL) {
        struct launch *l = c->deferred;
        c->deferred = l->next;
        free(l);
    }
}

/* NCCL waits until the graphs that hold its operations are gone; here only if asked to. */
static void end(comm *c)
{
    pthread_mutex_lock(&c->mutex);
    while (c->jobs > 0 || c->running > 0 || (stub_number("STUB_NCCL_GRAPH_REFS", 0) != 0 && atomic_load(&c->graph_refs) > 0))
        doze(c);
    free_deferred(c);
    c->magic = COMM_DEAD;
    stub_detach(c);
    pthread_mutex_unlock(&c->mutex);
}

static ncclResult_t finalize(struct job *j)
{
    pthread_mutex_lock(&j->c->mutex);
    drain(j->c);
    j->c->finalized = true;
    pthread_mutex_unlock(&j->c->mutex);
    return ncclSuccess;
}

API ncclResult_t ncclCommFinalize(comm *c)
{
    TRY(stub_group_error(stub_enter(__func__, c, 0, 0)));
    TRY(stub_group_error(stub_ready(__func__, c)));
    NEED(!c->finalized, ncclInvalidArgument, "%s : the communicator was finalized before", __func__);
    return stub_add_job((struct job){ .c = c, .run = finalize });
}

API ncclResult_t ncclCommDestroy(comm *c)
{
    TRY(stub_enter(__func__, c, 0, 0));
    if (c == NULL)
        return ncclSuccess;
    TRY(stub_living(__func__, c));
    stub_launch_deferred(c);
    pthread_mutex_lock(&c->mutex);
    while (c->jobs > 0)
        doze(c);
    drain(c);
    pthread_mutex_unlock(&c->mutex);
    end(c);
    return ncclSuccess;
}

/* Frees this rank's host functions; the other ranks wait on until they are aborted too. */
API ncclResult_t ncclCommAbort(comm *c)
{
    TRY(stub_enter(__func__, c, 0, 0));
    if (c == NULL)
        return ncclSuccess;
    TRY(stub_living(__func__, c));
    atomic_store(&c->aborted, true);
    end(c);
    return ncclSuccess;
}

API ncclResult_t ncclCommRevoke(comm *c, int flags)
{
    TRY(stub_enter(__func__, c, 0, 0));
    TRY(stub_living(__func__, c));
    NEED(flags == 0, ncclInvalidArgument, "%s : flags %d", __func__, flags);
    atomic_store(&c->revoked, true);
    pthread_mutex_lock(&c->mutex);
    while (c->running > 0)
        doze(c);
    pthread_mutex_unlock(&c->mutex);
    return ncclSuccess;
}

API ncclResult_t ncclCommGetAsyncError(comm *c, ncclResult_t *out)
{
    TRY(stub_enter(__func__, c, 0, 0));
    TRY(stub_living(__func__, c));
    NEED(out != NULL, ncclInvalidArgument, "%s : asyncError argument is NULL", __func__);
    pthread_mutex_lock(&c->mutex);
    bool waits = c->jobs > 0 || c->polls_left > 0, due = false;
    if (c->jobs == 0 && c->polls_left > 0)
        due = --c->polls_left == 0 && c->deferred != NULL;
    due |= c->jobs == 0 && !waits && c->deferred != NULL;
    pthread_mutex_unlock(&c->mutex);
    if (due) {
        ncclResult_t launched = stub_launch_deferred(c);
        if (launched != ncclSuccess)
            atomic_store(&c->error, launched);
    }
    *out = waits ? ncclInProgress : atomic_load(&c->error);
    return ncclSuccess;
}

static ncclResult_t ask(const char *name, comm *c, int *out)
{
    TRY(stub_enter(name, c, 0, 0));
    TRY(stub_living(name, c));
    NEED(out != NULL, ncclInvalidArgument, "%s : the place for the answer is NULL", name);
    NEED(!in_progress(c), ncclInvalidArgument, "Attempt to use communicator before the previous operation returned ncclSuccess");
    return ncclSuccess;
}

API ncclResult_t ncclCommCount(comm *c, int *out)
{
    TRY(ask(__func__, c, out));
    *out = c->ranks;
    return ncclSuccess;
}

API ncclResult_t ncclCommCuDevice(comm *c, int *out)
{
    TRY(ask(__func__, c, out));
    *out = c->device;
    return ncclSuccess;
}

API ncclResult_t ncclCommUserRank(comm *c, int *out)
{
    TRY(ask(__func__, c, out));
    *out = c->rank;
    return ncclSuccess;
}
