/* A graph's nodes and edges: the questions about them, edges, and the two kinds of node that need no parameters' struct of the driver's. */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

API CUresult cuGraphNodeGetType(node *n, int *type)
{
    ENTER();
    NEED(IS(n, MAGIC_NODE) && type != NULL, CUDA_ERROR_INVALID_VALUE);
    *type = n->work->node_type;
    return CUDA_SUCCESS;
}

static CUresult list(graph *g, node **out, size_t *count, bool roots)
{
    NEED(IS(g, MAGIC_GRAPH) && count != NULL, CUDA_ERROR_INVALID_VALUE);
    size_t found = 0;
    for (node *n = g->first; n != NULL; n = n->next) {
        if (roots && n->dep_count > 0)
            continue;
        if (out != NULL && found < *count)
            out[found] = n;
        found++;
    }
    *count = found;
    return CUDA_SUCCESS;
}

API CUresult cuGraphGetNodes(graph *g, node **out, size_t *count)
{
    ENTER();
    return list(g, out, count, false);
}

API CUresult cuGraphGetRootNodes(graph *g, node **out, size_t *count)
{
    ENTER();
    return list(g, out, count, true);
}

API CUresult cuGraphGetEdges_v2(graph *g, node **from, node **to, uint64_t *edge_data, size_t *count)
{
    ENTER();
    NEED(IS(g, MAGIC_GRAPH) && count != NULL, CUDA_ERROR_INVALID_VALUE);
    size_t found = 0;
    for (node *n = g->first; n != NULL; n = n->next) {
        for (size_t i = 0; i < n->dep_count; i++, found++) {
            if (from != NULL && to != NULL && found < *count) {
                from[found] = n->deps[i];
                to[found] = n;
            }
            if (edge_data != NULL && found < *count)
                edge_data[found] = 0;
        }
    }
    *count = found;
    return CUDA_SUCCESS;
}

API CUresult cuGraphGetEdges(graph *g, node **from, node **to, size_t *count) { return cuGraphGetEdges_v2(g, from, to, NULL, count); }

API CUresult cuGraphNodeGetDependencies_v2(node *n, node **out, uint64_t *edge_data, size_t *count)
{
    ENTER();
    NEED(IS(n, MAGIC_NODE) && count != NULL, CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; i < n->dep_count && i < *count; i++) {
        if (out != NULL)
            out[i] = n->deps[i];
        if (edge_data != NULL)
            edge_data[i] = 0;
    }
    *count = n->dep_count;
    return CUDA_SUCCESS;
}

API CUresult cuGraphNodeGetDependencies(node *n, node **out, size_t *count) { return cuGraphNodeGetDependencies_v2(n, out, NULL, count); }

API CUresult cuGraphNodeGetDependentNodes_v2(node *n, node **out, uint64_t *edge_data, size_t *count)
{
    ENTER();
    NEED(IS(n, MAGIC_NODE) && count != NULL, CUDA_ERROR_INVALID_VALUE);
    size_t found = 0;
    for (node *m = n->owner->first; m != NULL; m = m->next) {
        for (size_t i = 0; i < m->dep_count; i++) {
            if (m->deps[i] != n)
                continue;
            if (out != NULL && found < *count)
                out[found] = m;
            if (edge_data != NULL && found < *count)
                edge_data[found] = 0;
            found++;
        }
    }
    *count = found;
    return CUDA_SUCCESS;
}

API CUresult cuGraphNodeGetDependentNodes(node *n, node **out, size_t *count) { return cuGraphNodeGetDependentNodes_v2(n, out, NULL, count); }

/* The nodes must be the graph's own, in the order in which they were made: the stub looks for no cycles. */
API CUresult cuGraphAddDependencies_v2(graph *g, node *const *from, node *const *to, const void *edge_data, size_t count)
{
    ENTER();
    (void)edge_data;
    NEED(IS(g, MAGIC_GRAPH) && ((from != NULL && to != NULL) || count == 0), CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; i < count; i++)
        NEED(IS(from[i], MAGIC_NODE) && IS(to[i], MAGIC_NODE) && from[i]->owner == g && to[i]->owner == g && from[i] != to[i], CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    for (size_t i = 0; i < count; i++) {
        node *n = to[i];
        n->deps = realloc(n->deps, (n->dep_count + 1) * sizeof *n->deps);
        n->deps[n->dep_count++] = from[i];
    }
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

API CUresult cuGraphAddDependencies(graph *g, node *const *from, node *const *to, size_t count) { return cuGraphAddDependencies_v2(g, from, to, NULL, count); }

static CUresult add(node **out, graph *g, node *const *deps, size_t count, op *work)
{
    pthread_mutex_lock(&stub_lock);
    *out = stub_add_node(g, work, deps, count);
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

static CUresult run_nothing(op *self)
{
    (void)self;
    return CUDA_SUCCESS;
}

API CUresult cuGraphAddEmptyNode(node **out, graph *g, node *const *deps, size_t count)
{
    ENTER_CONTEXT(ctx);
    NEED(out != NULL && IS(g, MAGIC_GRAPH) && (deps != NULL || count == 0), CUDA_ERROR_INVALID_VALUE);
    return add(out, g, deps, count, stub_op(sizeof(op), NODE_EMPTY, ctx, run_nothing, NULL));
}

struct host_params { void (*function)(void *); void *data; };
struct host_op { op base; struct host_params params; };

static CUresult run_host(op *self)
{
    struct host_op *h = (struct host_op *)self;
    stub_in_callback = true;
    h->params.function(h->params.data);
    stub_in_callback = false;
    return CUDA_SUCCESS;
}

API CUresult cuGraphAddHostNode(node **out, graph *g, node *const *deps, size_t count, const struct host_params *params)
{
    ENTER_CONTEXT(ctx);
    NEED(out != NULL && IS(g, MAGIC_GRAPH) && (deps != NULL || count == 0) && params != NULL && params->function != NULL, CUDA_ERROR_INVALID_VALUE);
    struct host_op *h = (struct host_op *)stub_op(sizeof *h, NODE_HOST, ctx, run_host, NULL);
    h->params = *params;
    return add(out, g, deps, count, &h->base);
}

API CUresult cuLaunchHostFunc(void *handle, void (*function)(void *), void *data)
{
    ENTER_CONTEXT(ctx);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(function != NULL, CUDA_ERROR_INVALID_VALUE);
    NEED(s->ctx == ctx, CUDA_ERROR_INVALID_HANDLE);
    struct host_op *h = (struct host_op *)stub_op(sizeof *h, NODE_HOST, ctx, run_host, NULL);
    h->params = (struct host_params){ function, data };
    return stub_submit(s, &h->base);
}
