/* Graphs: nodes in the order in which they were made. A launch is one operation of its stream that runs them one after another, each after
   those it depends on. */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct user_object { unsigned magic; void *pointer; void (*destroy)(void *); _Atomic unsigned refs; } user_object;
struct body { _Atomic int refs; size_t count; op **ops; };
typedef struct exec { unsigned magic; uint64_t flags; struct body *body; struct user_ref *users; } exec;

static void release_user(user_object *object, unsigned count)
{
    if (atomic_fetch_sub(&object->refs, count) == count) {
        object->magic = MAGIC_DEAD;
        object->destroy(object->pointer);
    }
}

static void release_users(struct user_ref *users)
{
    while (users != NULL) {
        struct user_ref *next = users->next;
        release_user(users->object, users->count);
        free(users);
        users = next;
    }
}

graph *stub_new_graph(void)
{
    graph *g = calloc(1, sizeof *g);
    g->magic = MAGIC_GRAPH;
    return g;
}

node *stub_add_node(graph *g, op *work, node *const *deps, size_t count)
{
    node *n = calloc(1, sizeof *n);
    n->magic = MAGIC_NODE;
    n->owner = g;
    n->work = work;
    n->deps = malloc((count + 1) * sizeof *n->deps);
    if (count > 0)
        memcpy(n->deps, deps, count * sizeof *n->deps);
    n->dep_count = count;
    if (g->last != NULL)
        g->last->next = n;
    else
        g->first = n;
    g->last = n;
    g->count++;
    return n;
}

void stub_free_graph(graph *g)
{
    g->magic = MAGIC_DEAD;
    for (node *n = g->first; n != NULL; n = n->next) {
        n->magic = MAGIC_DEAD;
        stub_op_release(n->work);
        free(n->deps);
    }
    release_users(g->users);
    g->users = NULL;
}

static void release_body(struct body *b)
{
    if (atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    for (size_t i = 0; i < b->count; i++)
        stub_op_release(b->ops[i]);
    free(b->ops);
    free(b);
}

static void emit(struct body *b, node *n)
{
    if (n->visited)
        return;
    n->visited = true;
    for (size_t i = 0; i < n->dep_count; i++)
        emit(b, n->deps[i]);
    atomic_fetch_add(&n->work->refs, 1);
    b->ops[b->count++] = n->work;
}

static struct body *flatten(graph *g)
{
    struct body *b = calloc(1, sizeof *b);
    atomic_init(&b->refs, 1);
    b->ops = malloc((g->count + 1) * sizeof *b->ops);
    for (node *n = g->first; n != NULL; n = n->next)
        n->visited = false;
    for (node *n = g->first; n != NULL; n = n->next)
        emit(b, n);
    return b;
}

static struct user_ref *share_users(const struct user_ref *users)
{
    struct user_ref *copy = NULL;
    for (; users != NULL; users = users->next) {
        struct user_ref *r = malloc(sizeof *r);
        *r = (struct user_ref){ users->object, 1, copy };
        atomic_fetch_add(&users->object->refs, 1);
        copy = r;
    }
    return copy;
}

API CUresult cuGraphCreate(graph **out, unsigned flags)
{
    ENTER();
    NEED(out != NULL && flags == 0, CUDA_ERROR_INVALID_VALUE);
    *out = stub_new_graph();
    return CUDA_SUCCESS;
}

API CUresult cuGraphDestroy(graph *g)
{
    ENTER();
    NEED(IS(g, MAGIC_GRAPH), CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    struct user_ref *users = g->users;
    g->users = NULL;
    stub_free_graph(g);
    pthread_mutex_unlock(&stub_lock);
    release_users(users);
    return CUDA_SUCCESS;
}

static CUresult instantiate(exec **out, graph *g, uint64_t flags)
{
    NEED(out != NULL && IS(g, MAGIC_GRAPH) && flags <= 15, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    exec *e = calloc(1, sizeof *e);
    *e = (exec){ MAGIC_EXEC, flags, flatten(g), share_users(g->users) };
    pthread_mutex_unlock(&stub_lock);
    *out = e;
    return CUDA_SUCCESS;
}

API CUresult cuGraphInstantiateWithFlags(exec **out, graph *g, uint64_t flags)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    return instantiate(out, g, flags);
}

struct instantiate_params { uint64_t flags; void *upload; node *error_node; int result; };

API CUresult cuGraphInstantiateWithParams(exec **out, graph *g, struct instantiate_params *params)
{
    ENTER_CONTEXT(ctx);
    (void)ctx;
    NEED(params != NULL, CUDA_ERROR_INVALID_VALUE);
    CUresult result = instantiate(out, g, params->flags);
    params->error_node = NULL;
    params->result = result == CUDA_SUCCESS ? 0 : 1;
    return result;
}

struct launch_op { op base; struct body *body; struct user_ref *users; };

static CUresult run_launch(op *self)
{
    struct body *b = ((struct launch_op *)self)->body;
    for (size_t i = 0; i < b->count; i++)
        TRY(b->ops[i]->run(b->ops[i]));
    return CUDA_SUCCESS;
}

static void drop_launch(op *self)
{
    release_body(((struct launch_op *)self)->body);
    release_users(((struct launch_op *)self)->users);
}

API CUresult cuGraphLaunch(exec *e, void *handle)
{
    ENTER_CONTEXT(ctx);
    NEED(IS(e, MAGIC_EXEC), CUDA_ERROR_INVALID_VALUE);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    /* As a child graph: that is what capturing a launch makes of it. */
    struct launch_op *l = (struct launch_op *)stub_op(sizeof *l, NODE_GRAPH, ctx, run_launch, drop_launch);
    pthread_mutex_lock(&stub_lock);
    atomic_fetch_add(&e->body->refs, 1);
    l->body = e->body;
    l->users = share_users(e->users);
    pthread_mutex_unlock(&stub_lock);
    return stub_submit(s, &l->base);
}

API CUresult cuGraphUpload(exec *e, void *handle)
{
    ENTER_CONTEXT(ctx);
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    return IS(e, MAGIC_EXEC) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

struct update_result { int result; node *error_node, *error_from; };

API CUresult cuGraphExecUpdate_v2(exec *e, graph *g, struct update_result *info)
{
    ENTER();
    NEED(IS(e, MAGIC_EXEC) && IS(g, MAGIC_GRAPH) && info != NULL, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    struct body *fresh = flatten(g), *stale = NULL;
    struct user_ref *users = NULL;
    *info = (struct update_result){ 0, NULL, NULL };
    if (fresh->count != e->body->count)
        info->result = 2;
    for (size_t i = 0; i < fresh->count && info->result == 0; i++)
        info->result = fresh->ops[i]->node_type != e->body->ops[i]->node_type ? 3 : 0;
    if (info->result == 0) {
        stale = e->body;
        users = e->users;
        e->body = fresh;
        e->users = share_users(g->users);
    } else {
        stale = fresh;
    }
    pthread_mutex_unlock(&stub_lock);
    release_body(stale);
    release_users(users);
    return info->result == 0 ? CUDA_SUCCESS : CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
}

API CUresult cuGraphExecGetFlags(exec *e, uint64_t *flags)
{
    ENTER();
    NEED(IS(e, MAGIC_EXEC) && flags != NULL, CUDA_ERROR_INVALID_VALUE);
    *flags = e->flags;
    return CUDA_SUCCESS;
}

API CUresult cuGraphExecDestroy(exec *e)
{
    ENTER();
    NEED(IS(e, MAGIC_EXEC), CUDA_ERROR_INVALID_VALUE);
    e->magic = MAGIC_DEAD;
    release_body(e->body);
    release_users(e->users);
    return CUDA_SUCCESS;
}

API CUresult cuGraphDebugDotPrint(graph *g, const char *path, unsigned flags)
{
    ENTER();
    (void)flags;
    static const char *const names[] = { "kernel", "memcpy", "memset", "host", "graph", "empty", "wait", "record" };
    NEED(IS(g, MAGIC_GRAPH) && path != NULL, CUDA_ERROR_INVALID_VALUE);
    FILE *file = fopen(path, "we");
    NEED(file != NULL, 304);
    fputs("digraph stub {\n", file);
    for (node *n = g->first; n != NULL; n = n->next) {
        fprintf(file, "  \"%p\" [label=\"%s\"];\n", (void *)n, n->work->node_type <= 7 ? names[n->work->node_type] : "other");
        for (size_t i = 0; i < n->dep_count; i++)
            fprintf(file, "  \"%p\" -> \"%p\";\n", (void *)n->deps[i], (void *)n);
    }
    fputs("}\n", file);
    fclose(file);
    return CUDA_SUCCESS;
}

API CUresult cuUserObjectCreate(user_object **out, void *pointer, void (*destroy)(void *), unsigned refs, unsigned flags)
{
    ENTER();
    NEED(out != NULL && destroy != NULL && refs > 0 && flags == 1, CUDA_ERROR_INVALID_VALUE);
    user_object *object = calloc(1, sizeof *object);
    *object = (user_object){ MAGIC_USER, pointer, destroy, refs };
    *out = object;
    return CUDA_SUCCESS;
}

API CUresult cuUserObjectRetain(user_object *object, unsigned count)
{
    ENTER();
    NEED(IS(object, MAGIC_USER) && count > 0, CUDA_ERROR_INVALID_VALUE);
    atomic_fetch_add(&object->refs, count);
    return CUDA_SUCCESS;
}

API CUresult cuUserObjectRelease(user_object *object, unsigned count)
{
    ENTER();
    NEED(IS(object, MAGIC_USER) && count > 0, CUDA_ERROR_INVALID_VALUE);
    release_user(object, count);
    return CUDA_SUCCESS;
}

API CUresult cuGraphRetainUserObject(graph *g, user_object *object, unsigned count, unsigned flags)
{
    ENTER();
    NEED(IS(g, MAGIC_GRAPH) && IS(object, MAGIC_USER) && count > 0 && flags <= 1, CUDA_ERROR_INVALID_VALUE);
    struct user_ref *r = malloc(sizeof *r);
    if (flags == 0)
        atomic_fetch_add(&object->refs, count);
    pthread_mutex_lock(&stub_lock);
    *r = (struct user_ref){ object, count, g->users };
    g->users = r;
    pthread_mutex_unlock(&stub_lock);
    return CUDA_SUCCESS;
}

API CUresult cuGraphReleaseUserObject(graph *g, user_object *object, unsigned count)
{
    ENTER();
    NEED(IS(g, MAGIC_GRAPH) && IS(object, MAGIC_USER) && count > 0, CUDA_ERROR_INVALID_VALUE);
    pthread_mutex_lock(&stub_lock);
    struct user_ref *found = g->users;
    while (found != NULL && (found->object != object || found->count < count))
        found = found->next;
    if (found != NULL)
        found->count -= count;
    pthread_mutex_unlock(&stub_lock);
    NEED(found != NULL, CUDA_ERROR_INVALID_VALUE);
    release_user(object, count);
    return CUDA_SUCCESS;
}
