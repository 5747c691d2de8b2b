/* Streams: each is a queue in order with a thread of its own, which starts with the first operation. */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>

static _Atomic uint64_t s_next_id = 1;
static _Thread_local stream *t_per_thread[MAX_DEVICES];

op *stub_op(size_t size, int node_type, context *ctx, CUresult (*run)(op *), void (*drop)(op *))
{
    op *o = calloc(1, size);
    o->node_type = node_type;
    atomic_init(&o->refs, 1);
    o->ctx = ctx;
    o->run = run;
    o->drop = drop;
    return o;
}

void stub_op_release(op *o)
{
    if (atomic_fetch_sub(&o->refs, 1) != 1)
        return;
    if (o->drop != NULL)
        o->drop(o);
    free(o);
}

static pthread_mutex_t s_kernels = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t s_kernel_ended = PTHREAD_COND_INITIALIZER;

static bool is_kernel(const op *o) { return o->node_type == NODE_KERNEL || o->node_type == NODE_MEMSET || o->node_type == NODE_GRAPH; }

/* STUB_CUDA_FIRST_KERNEL_WAITS: a stream's first kernel does not start while others of the context run, as now and then on an H200. */
static void begin_kernel(stream *s)
{
    pthread_mutex_lock(&s_kernels);
    while (!s->has_run && s->ctx->kernels > 0 && stub_flag("STUB_CUDA_FIRST_KERNEL_WAITS"))
        pthread_cond_wait(&s_kernel_ended, &s_kernels);
    s->has_run = true;
    s->ctx->kernels++;
    pthread_mutex_unlock(&s_kernels);
}

static void end_kernel(stream *s)
{
    pthread_mutex_lock(&s_kernels);
    s->ctx->kernels--;
    pthread_cond_broadcast(&s_kernel_ended);
    pthread_mutex_unlock(&s_kernels);
}

static void *work(void *argument)
{
    stream *s = argument;
    pthread_mutex_lock(&s->mutex);
    while (true) {
        while (s->head == NULL && !s->closing)
            pthread_cond_wait(&s->cond, &s->mutex);
        op *o = s->head;
        if (o == NULL)
            break;
        s->head = o->next;
        if (s->head == NULL)
            s->tail = NULL;
        pthread_mutex_unlock(&s->mutex);
        /* A context with a fault runs nothing more, as a real one. */
        if (atomic_load(&s->ctx->sticky) == CUDA_SUCCESS || o->node_type == NODE_RECORD) {
            bool kernel = is_kernel(o);
            if (kernel)
                begin_kernel(s);
            CUresult result = o->run(o);
            if (kernel)
                end_kernel(s);
            if (result != CUDA_SUCCESS)
                atomic_store(&s->ctx->sticky, result);
        }
        stub_op_release(o);
        pthread_mutex_lock(&s->mutex);
        s->completed++;
        pthread_cond_broadcast(&s->cond);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* The caller holds stub_lock. */
stream *stub_new_stream(context *ctx, unsigned flags, int priority)
{
    stream *s = calloc(1, sizeof *s);
    s->magic = MAGIC_STREAM;
    s->flags = flags;
    s->priority = priority;
    s->ctx = ctx;
    s->id = atomic_fetch_add(&s_next_id, 1);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->cond, NULL);
    s->next = ctx->streams;
    ctx->streams = s;
    return s;
}

/* The real driver follows a handle that was destroyed into freed memory: here the process ends every time, not now and then. */
static void refuse_dead(void *handle)
{
    if (!IS(handle, MAGIC_DEAD))
        return;
    fprintf(stderr, "stub libcuda: a call with stream %p, which was destroyed\n", handle);
    abort();
}

CUresult stub_stream(void *handle, context *ctx, stream **out)
{
    if ((uintptr_t)handle <= 2) {
        NEED(ctx != NULL, CUDA_ERROR_INVALID_CONTEXT);
        if ((uintptr_t)handle < 2) {
            *out = ctx->legacy;
            return CUDA_SUCCESS;
        }
        if (t_per_thread[ctx->device] == NULL) {
            pthread_mutex_lock(&stub_lock);
            t_per_thread[ctx->device] = stub_new_stream(ctx, 0, 0);
            pthread_mutex_unlock(&stub_lock);
        }
        handle = t_per_thread[ctx->device];
    }
    refuse_dead(handle);
    NEED(IS(handle, MAGIC_STREAM), CUDA_ERROR_INVALID_HANDLE);
    *out = handle;
    return CUDA_SUCCESS;
}

static uint64_t enqueue(stream *s, op *o)
{
    pthread_mutex_lock(&s->mutex);
    if (!s->started) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        if (pthread_create(&thread, &attributes, work, s) != 0) {
            fputs("stub libcuda: no thread for a stream\n", stderr);
            abort();
        }
        pthread_attr_destroy(&attributes);
        s->started = true;
    }
    o->next = NULL;
    if (s->tail != NULL)
        s->tail->next = o;
    else
        s->head = o;
    s->tail = o;
    uint64_t sequence = ++s->submitted;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->mutex);
    return sequence;
}

struct stream_wait { op base; stream *other; uint64_t sequence; };

static CUresult run_stream_wait(op *self)
{
    struct stream_wait *w = (struct stream_wait *)self;
    stub_stream_wait(w->other, w->sequence);
    return CUDA_SUCCESS;
}

static void follow(stream *s, stream *other)
{
    pthread_mutex_lock(&other->mutex);
    uint64_t submitted = other->submitted;
    bool busy = other->completed < submitted;
    pthread_mutex_unlock(&other->mutex);
    if (!busy)
        return;
    struct stream_wait *w = (struct stream_wait *)stub_op(sizeof *w, -1, s->ctx, run_stream_wait, NULL);
    w->other = other;
    w->sequence = submitted;
    enqueue(s, &w->base);
}

/* The legacy stream follows every blocking stream, and these follow it. */
static void order_default_stream(stream *s)
{
    if (s->flags & STREAM_NON_BLOCKING)
        return;
    if (s != s->ctx->legacy) {
        follow(s, s->ctx->legacy);
        return;
    }
    for (stream *other = s->ctx->streams; other != NULL; other = other->next) {
        if (other != s && !(other->flags & STREAM_NON_BLOCKING))
            follow(s, other);
    }
}

static CUresult submit(stream *s, op *o, uint64_t *sequence)
{
    pthread_mutex_lock(&stub_lock);
    CUresult result = CUDA_SUCCESS;
    if (s->capture != NULL) {
        result = stub_capture_op(s, o);
    } else if (s == s->ctx->legacy && (result = stub_capture_implicit(s->ctx)) != CUDA_SUCCESS) {
        stub_op_release(o);
    } else {
        order_default_stream(s);
        *sequence = enqueue(s, o);
    }
    pthread_mutex_unlock(&stub_lock);
    return result;
}

CUresult stub_submit(stream *s, op *o)
{
    uint64_t sequence;
    return submit(s, o, &sequence);
}

CUresult stub_submit_and_wait(stream *s, op *o)
{
    uint64_t sequence = 0;
    TRY(submit(s, o, &sequence));
    stub_stream_wait(s, sequence);
    return atomic_load(&s->ctx->sticky);
}

void stub_stream_wait(stream *s, uint64_t sequence)
{
    pthread_mutex_lock(&s->mutex);
    while (s->completed < sequence)
        pthread_cond_wait(&s->cond, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}

API CUresult cuStreamCreateWithPriority(stream **out, unsigned flags, int priority)
{
    ENTER_CONTEXT(ctx);
    NEED(out != NULL && flags <= STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    *out = stub_new_stream(ctx, flags, priority > 0 ? 0 : priority < -5 ? -5 : priority);
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

API CUresult cuStreamCreate(stream **out, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    NEED(out != NULL && flags <= STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    *out = stub_new_stream(ctx, flags, 0);
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

/* What is queued still runs. The stream stays in its context's list: its thread needs it, and its memory is what tells a stale handle. */
API CUresult cuStreamDestroy_v2(stream *s)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    NEED((uintptr_t)s > 2, CUDA_ERROR_INVALID_HANDLE);
    refuse_dead(s);
    NEED(IS(s, MAGIC_STREAM), CUDA_ERROR_INVALID_HANDLE);
    pthread_mutex_lock(&stub_lock);
    if (s->capture != NULL) {
        stub_capture_invalidate(s->capture);
        s->capture = NULL;
    }
    s->magic = MAGIC_DEAD;
    pthread_mutex_unlock(&stub_lock);
    pthread_mutex_lock(&s->mutex);
    s->closing = true;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->mutex);
    return CUDA_SUCCESS;
}

#define ENTER_STREAM(handle) ENTER_CONTEXT(ctx); stream *s; TRY(stub_stream(handle, ctx, &s))

API CUresult cuStreamQuery(void *handle)
{
    ENTER_STREAM(handle);
    pthread_mutex_lock(&stub_lock);
    bool capturing = s->capture != NULL;
    if (capturing)
        stub_capture_invalidate(s->capture);
    pthread_mutex_unlock(&stub_lock);
    NEED(!capturing, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    pthread_mutex_lock(&s->mutex);
    bool busy = s->completed < s->submitted;
    pthread_mutex_unlock(&s->mutex);
    return busy ? CUDA_ERROR_NOT_READY : atomic_load(&s->ctx->sticky);
}

API CUresult cuStreamSynchronize(void *handle)
{
    ENTER_STREAM(handle);
    pthread_mutex_lock(&stub_lock);
    CUresult refused = CUDA_SUCCESS;
    if (s->capture != NULL) {
        stub_capture_invalidate(s->capture);
        refused = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    } else if (s == s->ctx->legacy) {
        refused = stub_capture_implicit(s->ctx);
        if (refused == CUDA_SUCCESS)
            order_default_stream(s);
    }
    pthread_mutex_unlock(&stub_lock);
    TRY(refused);
    pthread_mutex_lock(&s->mutex);
    uint64_t sequence = s->submitted;
    pthread_mutex_unlock(&s->mutex);
    stub_stream_wait(s, sequence);
    return atomic_load(&s->ctx->sticky);
}

#define ENTER_STREAM_OUT(handle, out) ENTER_STREAM(handle); NEED((out) != NULL, CUDA_ERROR_INVALID_VALUE)

API CUresult cuStreamGetPriority(void *handle, int *priority)
{
    ENTER_STREAM_OUT(handle, priority);
    *priority = s->priority;
    return CUDA_SUCCESS;
}

API CUresult cuStreamGetFlags(void *handle, unsigned *flags)
{
    ENTER_STREAM_OUT(handle, flags);
    *flags = s->flags;
    return CUDA_SUCCESS;
}

API CUresult cuStreamGetId(void *handle, uint64_t *id)
{
    ENTER_STREAM_OUT(handle, id);
    *id = s->id;
    return CUDA_SUCCESS;
}

/* The one call that must work on a thread that has no context: how an engine learns the stream's. */
API CUresult cuStreamGetCtx(void *handle, context **out)
{
    ENTER();
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    context *ctx = NULL;
    if ((uintptr_t)handle <= 2)
        TRY(stub_current(&ctx));
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    *out = s->ctx;
    return CUDA_SUCCESS;
}
