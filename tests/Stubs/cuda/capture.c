/* Stream capture: what a stream would queue becomes nodes of a graph; a stream that waits for an event of a capture joins it. */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

static capture *s_active; /* under stub_lock */
static uint64_t s_next_id = 1;
static _Thread_local int t_mode = CAPTURE_GLOBAL;

static CUresult forbids(bool whatever_mode, context *ctx)
{
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&stub_lock);
    for (capture *c = s_active; c != NULL; c = c->next) {
        bool own = pthread_equal(c->thread, pthread_self()) && c->mode != CAPTURE_RELAXED;
        bool seen = t_mode != CAPTURE_RELAXED && (own || (t_mode == CAPTURE_GLOBAL && c->mode == CAPTURE_GLOBAL));
        if (seen || (whatever_mode && c->origin->ctx == ctx)) {
            stub_capture_invalidate(c);
            result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
    }
    pthread_mutex_unlock(&stub_lock);
    return result;
}

CUresult stub_capture_forbids(void) { return forbids(false, NULL); }

CUresult stub_capture_forbids_sync(context *ctx) { return forbids(true, ctx); }

CUresult stub_capture_implicit(context *ctx)
{
    for (stream *s = ctx->streams; s != NULL; s = s->next) {
        if (s->capture != NULL && !(s->flags & STREAM_NON_BLOCKING)) {
            stub_capture_invalidate(s->capture);
            return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
        }
    }
    return CUDA_SUCCESS;
}

void stub_capture_invalidate(capture *c) { c->status = CAPTURE_INVALIDATED; }

static void set_deps(stream *s, node *const *deps, size_t count)
{
    node **copy = malloc((count + 1) * sizeof *copy);
    if (count > 0)
        memcpy(copy, deps, count * sizeof *copy);
    free(s->deps);
    s->deps = copy;
    s->dep_count = count;
}

static void add_deps(stream *s, node *const *deps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (size_t j = 0; j < s->dep_count; j++)
            there |= s->deps[j] == deps[i];
        if (!there) {
            s->deps = realloc(s->deps, (s->dep_count + 1) * sizeof *s->deps);
            s->deps[s->dep_count++] = deps[i];
        }
    }
}

CUresult stub_capture_op(stream *s, op *o)
{
    if (s->capture->status == CAPTURE_INVALIDATED || o->node_type < 0) {
        CUresult result = o->node_type < 0 ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED : CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
        stub_capture_invalidate(s->capture);
        stub_op_release(o);
        return result;
    }
    node *n = stub_add_node(s->capture->graph, o, s->deps, s->dep_count);
    n->captured_on = s;
    set_deps(s, &n, 1);
    return CUDA_SUCCESS;
}

static void enter(stream *s, capture *c)
{
    s->capture = c;
    s->next_member = c->members;
    c->members = s;
    set_deps(s, NULL, 0);
}

void stub_capture_join(stream *s, capture *c, node **deps, size_t count)
{
    if (s->capture == NULL)
        enter(s, c);
    add_deps(s, deps, count);
}

static CUresult begin(void *handle, graph *into, node *const *deps, size_t count, int mode, context *ctx)
{
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(mode >= CAPTURE_GLOBAL && mode <= CAPTURE_RELAXED, CUDA_ERROR_INVALID_VALUE);
    NEED(s != s->ctx->legacy, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    pthread_mutex_lock(&stub_lock);
    CUresult result = s->capture != NULL ? CUDA_ERROR_ILLEGAL_STATE : CUDA_SUCCESS;
    if (result == CUDA_SUCCESS) {
        capture *c = calloc(1, sizeof *c);
        *c = (capture){ .id = s_next_id++, .mode = mode, .status = CAPTURE_ACTIVE, .thread = pthread_self(), .origin = s, .next = s_active };
        c->graph = into != NULL ? into : stub_new_graph();
        c->borrowed = into != NULL;
        s_active = c;
        enter(s, c);
        set_deps(s, deps, count);
    }
    pthread_mutex_unlock(&stub_lock);
    return result;
}

API CUresult cuStreamBeginCapture_v2(void *handle, int mode)
{
    ENTER_CONTEXT(ctx);
    return begin(handle, NULL, NULL, 0, mode, ctx);
}

API CUresult cuStreamBeginCaptureToGraph(void *handle, graph *into, node *const *deps, const void *edges, size_t count, int mode)
{
    ENTER_CONTEXT(ctx);
    (void)edges;
    NEED(IS(into, MAGIC_GRAPH), CUDA_ERROR_INVALID_VALUE);
    return begin(handle, into, deps, count, mode, ctx);
}

/* Work that a stream took over from the capture's own must have come back to it. */
static bool unjoined(capture *c)
{
    for (node *n = c->graph->first; n != NULL; n = n->next) {
        bool leaf = n->captured_on != NULL && n->captured_on != c->origin;
        for (node *m = c->graph->first; m != NULL && leaf; m = m->next) {
            for (size_t i = 0; i < m->dep_count; i++)
                leaf &= m->deps[i] != n;
        }
        for (size_t i = 0; i < c->origin->dep_count; i++)
            leaf &= c->origin->deps[i] != n;
        if (leaf)
            return true;
    }
    return false;
}

static CUresult end(capture *c, stream *s, graph **out)
{
    if (c->origin != s) {
        stub_capture_invalidate(c);
        return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    }
    NEED(c->mode == CAPTURE_RELAXED || pthread_equal(c->thread, pthread_self()), CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
    CUresult result = c->status == CAPTURE_INVALIDATED ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
        : unjoined(c) ? CUDA_ERROR_STREAM_CAPTURE_UNJOINED : CUDA_SUCCESS;
    for (capture **at = &s_active; *at != NULL; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    for (stream *member = c->members; member != NULL; member = member->next_member) {
        if (member->capture == c) {
            member->capture = NULL;
            set_deps(member, NULL, 0);
        }
    }
    /* The capture itself stays: events that were recorded in it point at it. */
    c->ended = true;
    if (result == CUDA_SUCCESS)
        *out = c->graph;
    else if (!c->borrowed)
        stub_free_graph(c->graph);
    return result;
}

API CUresult cuStreamEndCapture(void *handle, graph **out)
{
    ENTER_CONTEXT(ctx);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(out != NULL, CUDA_ERROR_INVALID_VALUE);
    *out = NULL;
    pthread_mutex_lock(&stub_lock);
    CUresult result = s->capture == NULL ? CUDA_ERROR_ILLEGAL_STATE : end(s->capture, s, out);
    pthread_mutex_unlock(&stub_lock);
    return result;
}

static CUresult info(void *handle, context *ctx, int *status, uint64_t *id, graph **in, node ***deps, size_t *count)
{
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(status != NULL, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    CUresult result = s == s->ctx->legacy ? stub_capture_implicit(s->ctx) : CUDA_SUCCESS;
    *status = s->capture == NULL ? CAPTURE_NONE : s->capture->status;
    if (s->capture != NULL) {
        if (id != NULL)
            *id = s->capture->id;
        if (in != NULL)
            *in = s->capture->graph;
        if (deps != NULL)
            *deps = s->deps;
        if (count != NULL)
            *count = s->dep_count;
    }
    pthread_mutex_unlock(&stub_lock);
    return result;
}

API CUresult cuStreamIsCapturing(void *handle, int *status)
{
    ENTER_CONTEXT(ctx);
    return info(handle, ctx, status, NULL, NULL, NULL, NULL);
}

API CUresult cuStreamGetCaptureInfo_v2(void *handle, int *status, uint64_t *id, graph **in, node ***deps, size_t *count)
{
    ENTER_CONTEXT(ctx);
    return info(handle, ctx, status, id, in, deps, count);
}

API CUresult cuStreamGetCaptureInfo_v3(void *handle, int *status, uint64_t *id, graph **in, node ***deps, const void **edges, size_t *count)
{
    ENTER_CONTEXT(ctx);
    if (edges != NULL)
        *edges = NULL;
    return info(handle, ctx, status, id, in, deps, count);
}

static CUresult update(void *handle, context *ctx, node *const *deps, size_t count, unsigned flags)
{
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(flags <= 1 && (deps != NULL || count == 0), CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    CUresult result = s->capture == NULL ? CUDA_ERROR_ILLEGAL_STATE
        : s->capture->status == CAPTURE_INVALIDATED ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    for (size_t i = 0; i < count && result == CUDA_SUCCESS; i++) {
        if (!IS(deps[i], MAGIC_NODE) || deps[i]->owner != s->capture->graph)
            result = CUDA_ERROR_INVALID_VALUE;
    }
    if (result == CUDA_SUCCESS && flags == 1)
        set_deps(s, deps, count);
    else if (result == CUDA_SUCCESS)
        add_deps(s, deps, count);
    pthread_mutex_unlock(&stub_lock);
    return result;
}

API CUresult cuStreamUpdateCaptureDependencies(void *handle, node **deps, size_t count, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    return update(handle, ctx, deps, count, flags);
}

API CUresult cuStreamUpdateCaptureDependencies_v2(void *handle, node **deps, const void *edges, size_t count, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    (void)edges;
    return update(handle, ctx, deps, count, flags);
}

API CUresult cuThreadExchangeStreamCaptureMode(int *mode)
{
    ENTER();
    NEED(mode != NULL && *mode >= CAPTURE_GLOBAL && *mode <= CAPTURE_RELAXED, CUDA_ERROR_INVALID_VALUE);
    int before = t_mode;
    t_mode = *mode;
    *mode = before;
    return CUDA_SUCCESS;
}
