/* From a group's calls to a stream: one host function a communicator, eager or captured. */
#include "stub.h"

#include <stdlib.h>

static void release(struct launch *l)
{
    if (atomic_fetch_sub(&l->refs, 1) == 1)
        free(l);
}

/* On the stream's thread. */
static void run_launch(void *argument)
{
    struct launch *l = argument;
    comm *c = l->c;
    pthread_mutex_lock(&c->mutex);
    bool live = c->magic == COMM_MAGIC && c->segment != NULL && !atomic_load(&c->aborted) && !atomic_load(&c->revoked);
    c->running += live;
    pthread_mutex_unlock(&c->mutex);
    if (live) {
        pthread_mutex_lock(&c->executing);
        stub_execute(c, l->tasks, l->count);
        pthread_mutex_unlock(&c->executing);
    }
    pthread_mutex_lock(&c->mutex);
    c->running -= live;
    c->queued -= !l->captured;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    if (!l->captured)
        release(l);
}

static void drop_captured(void *argument)
{
    struct launch *l = argument;
    atomic_fetch_sub(&l->c->graph_refs, 1);
    release(l);
}

/* A communicator's calls run in the order in which they were made, also from several streams: the next stream waits for the last one. */
static ncclResult_t chain_before(const struct driver *d, comm *c, void *stream, uint64_t capture)
{
    int which = capture != 0;
    if (c->chain_event[which] == NULL)
        TRY(CUDA(cuEventCreate, &c->chain_event[which], 2));
    bool same = which == 0 ? true : c->chain_capture == capture;
    if (same && c->chain_stream[which] != NULL && c->chain_stream[which] != (char *)stream + 1)
        TRY(CUDA(cuStreamWaitEvent, stream, c->chain_event[which], 0));
    return ncclSuccess;
}

static ncclResult_t chain_after(const struct driver *d, comm *c, void *stream, uint64_t capture)
{
    int which = capture != 0;
    c->chain_stream[which] = (char *)stream + 1; /* so that the default stream is not "none" */
    c->chain_capture = which ? capture : c->chain_capture;
    return CUDA(cuEventRecord, c->chain_event[which], stream);
}

/* A group may name several streams for a communicator: its one launch comes after what is on all of them, and before what will be. */
static ncclResult_t join(const struct driver *d, struct launch *l, bool before)
{
    for (int i = 0; i < l->other_count; i++) {
        if (l->c->join_event == NULL)
            TRY(CUDA(cuEventCreate, &l->c->join_event, 2));
        TRY(CUDA(cuEventRecord, l->c->join_event, before ? l->others[i] : l->stream));
        TRY(CUDA(cuStreamWaitEvent, before ? l->stream : l->others[i], l->c->join_event, 0));
    }
    return ncclSuccess;
}

static void count_queued(comm *c, int change)
{
    pthread_mutex_lock(&c->mutex);
    c->queued += change;
    pthread_mutex_unlock(&c->mutex);
}

static ncclResult_t enqueue(const struct driver *d, struct launch *l)
{
    comm *c = l->c;
    int status = 0;
    uint64_t capture = 0;
    void *graph = NULL, *object;
    TRY(CUDA(cuStreamGetCaptureInfo_v2, l->stream, &status, &capture, &graph, NULL, NULL));
    NEED(status != 2, ncclUnhandledCudaError, "Cuda failure 901 : the capture of the stream is invalid");
    l->captured = status == 1;
    uint64_t chain = l->captured ? capture : 0;
    TRY(chain_before(d, c, l->stream, l->captured ? capture : 0));
    TRY(join(d, l, true));
    if (l->captured) {
        TRY(CUDA(cuUserObjectCreate, &object, l, drop_captured, 1, 1));
        atomic_fetch_add(&c->graph_refs, 1);
        atomic_fetch_add(&l->refs, 1);
        TRY(CUDA(cuGraphRetainUserObject, graph, object, 1, 1));
        TRY(CUDA(cuLaunchHostFunc, l->stream, run_launch, l));
    } else {
        count_queued(c, 1);
        atomic_fetch_add(&l->refs, 1);
        ncclResult_t launched = CUDA(cuLaunchHostFunc, l->stream, run_launch, l);
        if (launched != ncclSuccess) {
            count_queued(c, -1);
            release(l);
            return launched;
        }
    }
    atomic_fetch_add(&c->operations, 1);
    TRY(join(d, l, false));
    return chain_after(d, c, l->stream, chain);
}

ncclResult_t stub_launch(struct launch *l)
{
    const struct driver *d = stub_driver(); /* every pointer was checked by it */
    void *popped;
    comm *c = l->c;
    atomic_store(&l->refs, 1);
    ncclResult_t result = CUDA(cuCtxPushCurrent_v2, c->context);
    if (result == ncclSuccess) {
        result = enqueue(d, l);
        (void)CUDA(cuCtxPopCurrent_v2, &popped);
    }
    release(l);
    stub_injected_async_error(c);
    return result;
}

ncclResult_t stub_launch_deferred(comm *c)
{
    ncclResult_t result = ncclSuccess;
    pthread_mutex_lock(&c->mutex);
    struct launch *l = c->deferred;
    c->deferred = NULL;
    pthread_mutex_unlock(&c->mutex);
    while (l != NULL) {
        struct launch *next = l->next;
        ncclResult_t launched = stub_launch(l);
        result = result == ncclSuccess ? launched : result;
        l = next;
    }
    return result;
}

void stub_defer(struct launch *l)
{
    pthread_mutex_lock(&l->c->mutex);
    struct launch **at = &l->c->deferred;
    while (*at != NULL)
        at = &(*at)->next;
    *at = l;
    l->c->polls_left = l->c->polls;
    pthread_mutex_unlock(&l->c->mutex);
}
