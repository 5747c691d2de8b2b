/* Events: each record makes a mark of its own, so that who waits for an earlier record is not held up by a later one. */
#include "stub.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EVENT_DISABLE_TIMING = 2, EVENT_INTERPROCESS = 4, EVENT_EXTERNAL = 1 };

typedef struct event {
    unsigned magic, flags;
    context *ctx;
    mark *last;
    capture *capture; /* in which it was recorded last */
    uint64_t capture_id;
    node **deps;
    size_t dep_count;
    struct shared_event *shared;
    int fd;
} event;

static void drop_mark(mark *m)
{
    if (m != NULL && atomic_fetch_sub(&m->refs, 1) == 1)
        free(m);
}

/* One operation for record and wait, of a mark or, for events of several processes, of a count in shared memory. */
struct event_op { op base; event *e; mark *m; uint32_t count; bool fresh; };

static void finish_shared(struct shared_event *shared, uint32_t count)
{
    uint32_t before = atomic_load(&shared->completed);
    while ((int32_t)(count - before) > 0 && !atomic_compare_exchange_weak(&shared->completed, &before, count)) { }
    stub_futex_wake(&shared->completed);
}

static mark *new_mark(event *e)
{
    mark *m = calloc(1, sizeof *m);
    atomic_init(&m->refs, 2);
    drop_mark(e->last);
    e->last = m;
    return m;
}

static CUresult run_record(op *self)
{
    struct event_op *r = (struct event_op *)self;
    mark *m = r->m;
    uint32_t count = r->count;
    if (r->fresh) { /* a graph's node: each run is a new record */
        pthread_mutex_lock(&stub_lock);
        m = new_mark(r->e);
        if (r->e->shared != NULL)
            count = atomic_fetch_add(&r->e->shared->recorded, 1) + 1;
        pthread_mutex_unlock(&stub_lock);
    }
    m->when = stub_now();
    atomic_store(&m->done, 1);
    stub_futex_wake(&m->done);
    if (r->e->shared != NULL)
        finish_shared(r->e->shared, count);
    if (r->fresh)
        drop_mark(m);
    return CUDA_SUCCESS;
}

static void wait_mark(mark *m)
{
    while (atomic_load(&m->done) == 0)
        stub_futex_wait(&m->done, 0);
}

static void wait_shared(struct shared_event *shared, uint32_t count)
{
    for (uint32_t seen; (int32_t)(count - (seen = atomic_load(&shared->completed))) > 0;)
        stub_futex_wait(&shared->completed, seen);
}

static CUresult run_wait(op *self)
{
    struct event_op *w = (struct event_op *)self;
    mark *m = w->m;
    if (w->fresh) {
        pthread_mutex_lock(&stub_lock);
        m = w->e->last;
        if (m != NULL)
            atomic_fetch_add(&m->refs, 1);
        pthread_mutex_unlock(&stub_lock);
    }
    if (w->e->shared != NULL)
        wait_shared(w->e->shared, w->fresh ? atomic_load(&w->e->shared->recorded) : w->count);
    else if (m != NULL)
        wait_mark(m);
    if (w->fresh)
        drop_mark(m);
    return CUDA_SUCCESS;
}

static void drop_event_op(op *self) { drop_mark(((struct event_op *)self)->m); }

static struct shared_event *map_shared(int fd)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

API CUresult cuEventCreate(event **out, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    NEED(out != NULL && flags <= 7, CUDA_ERROR_INVALID_VALUE);
    NEED(!(flags & EVENT_INTERPROCESS) || (flags & EVENT_DISABLE_TIMING), CUDA_ERROR_INVALID_VALUE);
    event *e = calloc(1, sizeof *e);
    e->magic = MAGIC_EVENT;
    e->flags = flags;
    e->ctx = ctx;
    e->fd = -1;
    if (flags & EVENT_INTERPROCESS) {
        e->fd = memfd_create("stub-cuda-event", MFD_CLOEXEC);
        if (e->fd < 0 || ftruncate(e->fd, 4096) != 0 || (e->shared = map_shared(e->fd)) == NULL) {
            if (e->fd >= 0)
                close(e->fd);
            free(e);
            return CUDA_ERROR_OUT_OF_MEMORY;
        }
    }
    *out = e;
    return CUDA_SUCCESS;
}

#define ENTER_EVENT(e) ENTER_CONTEXT(ctx); (void)ctx; NEED(IS(e, MAGIC_EVENT), CUDA_ERROR_INVALID_HANDLE)

API CUresult cuEventDestroy_v2(event *e)
{
    ENTER_EVENT(e);
    pthread_mutex_lock(&stub_lock);
    e->magic = MAGIC_DEAD;
    drop_mark(e->last);
    e->last = NULL;
    free(e->deps);
    e->deps = NULL;
    if (e->fd >= 0)
        close(e->fd);
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

static CUresult record(event *e, void *handle, unsigned flags, context *ctx)
{
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(flags <= EVENT_EXTERNAL, CUDA_ERROR_INVALID_VALUE);
    NEED(s->ctx == e->ctx, CUDA_ERROR_INVALID_HANDLE);
    pthread_mutex_lock(&stub_lock);
    struct event_op *r = NULL;
    capture *c = s->capture;
    CUresult result = c != NULL && c->status == CAPTURE_INVALIDATED ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    if (result == CUDA_SUCCESS && c != NULL && !(flags & EVENT_EXTERNAL)) {
        e->capture = c;
        e->capture_id = c->id;
        free(e->deps);
        e->deps = malloc((s->dep_count + 1) * sizeof *e->deps);
        memcpy(e->deps, s->deps, s->dep_count * sizeof *e->deps);
        e->dep_count = s->dep_count;
    } else if (result == CUDA_SUCCESS) {
        r = (struct event_op *)stub_op(sizeof *r, NODE_RECORD, ctx, run_record, drop_event_op);
        r->e = e;
        r->fresh = c != NULL;
        if (!r->fresh) {
            e->capture = NULL;
            r->m = new_mark(e);
            if (e->shared != NULL)
                r->count = atomic_fetch_add(&e->shared->recorded, 1) + 1;
        }
    }
    pthread_mutex_unlock(&stub_lock);
    return r != NULL ? stub_submit(s, &r->base) : result;
}

API CUresult cuEventRecord(event *e, void *handle)
{
    ENTER_EVENT(e);
    return record(e, handle, 0, ctx);
}

API CUresult cuEventRecordWithFlags(event *e, void *handle, unsigned flags)
{
    ENTER_EVENT(e);
    return record(e, handle, flags, ctx);
}

/* The caller holds stub_lock. */
static CUresult join_capture(stream *s, event *e)
{
    NEED(!e->capture->ended && e->capture->id == e->capture_id, CUDA_ERROR_CAPTURED_EVENT);
    NEED(s != s->ctx->legacy, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    if (s->capture != NULL && s->capture != e->capture) {
        stub_capture_invalidate(s->capture);
        stub_capture_invalidate(e->capture);
        return CUDA_ERROR_STREAM_CAPTURE_MERGE;
    }
    NEED(e->capture->status == CAPTURE_ACTIVE, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    stub_capture_join(s, e->capture, e->deps, e->dep_count);
    return CUDA_SUCCESS;
}

API CUresult cuStreamWaitEvent(void *handle, event *e, unsigned flags)
{
    ENTER_EVENT(e);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(flags <= EVENT_EXTERNAL, CUDA_ERROR_INVALID_VALUE);
    bool external = (flags & EVENT_EXTERNAL) != 0;
    pthread_mutex_lock(&stub_lock);
    CUresult result = CUDA_SUCCESS;
    struct event_op *w = NULL;
    if (e->capture != NULL && !external) {
        result = join_capture(s, e);
    } else if (s->capture != NULL && !external) {
        if (e->last != NULL) {
            stub_capture_invalidate(s->capture);
            result = CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
        }
    } else if (s->capture != NULL || e->last != NULL || e->shared != NULL) {
        w = (struct event_op *)stub_op(sizeof *w, NODE_WAIT, s->ctx, run_wait, drop_event_op);
        w->e = e;
        w->fresh = s->capture != NULL;
        if (!w->fresh && e->shared != NULL) {
            w->count = atomic_load(&e->shared->recorded);
        } else if (!w->fresh) {
            w->m = e->last;
            atomic_fetch_add(&w->m->refs, 1);
        }
    }
    pthread_mutex_unlock(&stub_lock);
    return w != NULL ? stub_submit(s, &w->base) : result;
}

static CUresult state(event *e, bool wait, context *ctx)
{
    NEED(e->capture == NULL, CUDA_ERROR_CAPTURED_EVENT);
    pthread_mutex_lock(&stub_lock);
    mark *m = e->last;
    if (m != NULL)
        atomic_fetch_add(&m->refs, 1);
    pthread_mutex_unlock(&stub_lock);
    bool done = true;
    if (e->shared != NULL) {
        uint32_t recorded = atomic_load(&e->shared->recorded);
        if (wait)
            wait_shared(e->shared, recorded);
        done = (int32_t)(recorded - atomic_load(&e->shared->completed)) <= 0;
    } else if (m != NULL) {
        if (wait)
            wait_mark(m);
        done = atomic_load(&m->done) != 0;
    }
    drop_mark(m);
    return !done ? CUDA_ERROR_NOT_READY : atomic_load(&ctx->sticky);
}

API CUresult cuEventQuery(event *e)
{
    ENTER_EVENT(e);
    return state(e, false, ctx);
}

API CUresult cuEventSynchronize(event *e)
{
    ENTER_EVENT(e);
    return state(e, true, ctx);
}

API CUresult cuEventElapsedTime(float *milliseconds, event *first, event *second)
{
    ENTER_EVENT(first);
    NEED(IS(second, MAGIC_EVENT) && !((first->flags | second->flags) & EVENT_DISABLE_TIMING), CUDA_ERROR_INVALID_HANDLE);
    NEED(milliseconds != NULL, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    CUresult result = CUDA_SUCCESS;
    if (first->last == NULL || second->last == NULL)
        result = CUDA_ERROR_INVALID_HANDLE;
    else if (atomic_load(&first->last->done) == 0 || atomic_load(&second->last->done) == 0)
        result = CUDA_ERROR_NOT_READY;
    else
        *milliseconds = (float)((double)(second->last->when - first->last->when) / 1e6);
    pthread_mutex_unlock(&stub_lock);
    return result;
}

struct event_handle { char tag[8]; int32_t pid, fd; char zero[48]; };

API CUresult cuIpcGetEventHandle(struct event_handle *out, event *e)
{
    ENTER_EVENT(e);
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(e->fd >= 0, CUDA_ERROR_INVALID_HANDLE);
    *out = (struct event_handle){ "stubevt", getpid(), e->fd, { 0 } };
    return CUDA_SUCCESS;
}

API CUresult cuIpcOpenEventHandle(event **out, struct event_handle handle)
{
    ENTER_CONTEXT(ctx);
    NEED(out != NULL && memcmp(handle.tag, "stubevt", 8) == 0, CUDA_ERROR_INVALID_VALUE);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", handle.pid, handle.fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    NEED(fd >= 0, CUDA_ERROR_INVALID_HANDLE);
    struct shared_event *shared = map_shared(fd);
    close(fd);
    NEED(shared != NULL, CUDA_ERROR_MAP_FAILED);
    event *e = calloc(1, sizeof *e);
    *e = (event){ .magic = MAGIC_EVENT, .flags = EVENT_DISABLE_TIMING | EVENT_INTERPROCESS, .ctx = ctx, .shared = shared, .fd = -1 };
    *out = e;
    return CUDA_SUCCESS;
}
