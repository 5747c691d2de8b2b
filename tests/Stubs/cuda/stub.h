/* A CUDA driver without a GPU: device memory is host memory, every stream is a queue with a thread of its own. See ../README.md. */
#ifndef STUB_CUDA_H
#define STUB_CUDA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stub_kernels.h"

#define API __attribute__((visibility("default")))

typedef int CUresult;
typedef int CUdevice;
typedef uintptr_t CUdeviceptr;

enum {
    CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1, CUDA_ERROR_OUT_OF_MEMORY = 2, CUDA_ERROR_NOT_INITIALIZED = 3, CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101, CUDA_ERROR_INVALID_CONTEXT = 201, CUDA_ERROR_MAP_FAILED = 205, CUDA_ERROR_FILE_NOT_FOUND = 301,
    CUDA_ERROR_INVALID_HANDLE = 400, CUDA_ERROR_ILLEGAL_STATE = 401, CUDA_ERROR_NOT_FOUND = 500, CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704, CUDA_ERROR_PEER_ACCESS_NOT_ENABLED = 705,
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED = 713,
    CUDA_ERROR_NOT_PERMITTED = 800, CUDA_ERROR_NOT_SUPPORTED = 801, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901, CUDA_ERROR_STREAM_CAPTURE_MERGE = 902, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903,
    CUDA_ERROR_STREAM_CAPTURE_UNJOINED = 904, CUDA_ERROR_STREAM_CAPTURE_ISOLATION = 905, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906,
    CUDA_ERROR_CAPTURED_EVENT = 907, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE = 910,
};

enum { MAX_DEVICES = 16 };
enum magic { MAGIC_CONTEXT = 0x43545831, MAGIC_STREAM = 0x53545231, MAGIC_EVENT = 0x45564e31, MAGIC_GRAPH = 0x47525031, MAGIC_EXEC = 0x45584531,
             MAGIC_NODE = 0x4e4f4431, MAGIC_FUNCTION = 0x464e4331, MAGIC_LIBRARY = 0x4c494231, MAGIC_POOL = 0x504f4f31, MAGIC_USER = 0x55534531,
             MAGIC_DEAD = 0x44454144 };

/* Whether a handle is what its type says. Handles are never freed, so that one that was destroyed is told, not followed. */
#define IS(handle, MAGIC) ((handle) != NULL && *(const unsigned *)(const void *)(handle) == (MAGIC))

/* core.c */
extern pthread_mutex_t stub_lock; /* contexts, captures and graphs; a stream's queue has its own, memory too */
CUresult stub_enter(const char *name, bool needs_init);
CUresult stub_unsupported(const char *name);
int stub_device_count(void);
int stub_physical(CUdevice device); /* the machine's number of a visible device; -1 for none */
size_t stub_total_memory(void);
bool stub_flag(const char *variable);
int64_t stub_now(void);
void stub_futex_wait(_Atomic uint32_t *word, uint32_t expected);
void stub_futex_wake(_Atomic uint32_t *word);
extern _Thread_local bool stub_in_callback;

#define ENTER() do { CUresult entered_ = stub_enter(__func__, true); if (entered_ != CUDA_SUCCESS) return entered_; } while (0)
#define NEED(condition, result) do { if (!(condition)) return (result); } while (0)
#define TRY(call) do { CUresult tried_ = (call); if (tried_ != CUDA_SUCCESS) return tried_; } while (0)

/* contexts.c */
typedef struct stream stream;
typedef struct context {
    unsigned magic;
    CUdevice device;
    bool primary;
    int retained;
    unsigned flags, peers;
    uint64_t id;
    _Atomic int sticky;
    int kernels; /* that run: streams.c */
    stream *streams, *legacy;
} context;
CUresult stub_current(context **out); /* 201 without one, and the error that an earlier asynchronous fault left */
void stub_drain(context *ctx);
#define ENTER_CONTEXT(ctx) ENTER(); context *ctx; TRY(stub_current(&ctx))

/* streams.c: what is queued, and what a graph's node does */
typedef struct op op;
struct op {
    int node_type; /* CUgraphNodeType, -1 for what a graph does not hold */
    _Atomic int refs;
    context *ctx;
    CUresult (*run)(op *self);
    void (*drop)(op *self);
    op *next;
};
typedef struct capture capture;
typedef struct node node;
struct stream {
    unsigned magic, flags;
    context *ctx;
    int priority;
    uint64_t id;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    op *head, *tail;
    uint64_t submitted, completed;
    bool started, closing, has_run; /* has_run: a kernel */
    capture *capture;
    node **deps;
    size_t dep_count;
    stream *next, *next_member; /* of the context, of the capture */
};
enum { STREAM_NON_BLOCKING = 1 };
op *stub_op(size_t size, int node_type, context *ctx, CUresult (*run)(op *), void (*drop)(op *));
void stub_op_release(op *o);
CUresult stub_stream(void *handle, context *ctx, stream **out); /* NULL, 1 and 2 are the default streams; ctx NULL: of any context */
CUresult stub_submit(stream *s, op *o); /* queues or captures; takes the caller's reference, also when it fails */
CUresult stub_submit_and_wait(stream *s, op *o);
void stub_stream_wait(stream *s, uint64_t sequence);
stream *stub_new_stream(context *ctx, unsigned flags, int priority);

/* capture.c */
struct capture {
    uint64_t id;
    int mode, status;
    pthread_t thread;
    stream *origin, *members;
    struct graph *graph;
    capture *next;
    bool ended, borrowed; /* borrowed: the graph was there before */
};
enum { CAPTURE_NONE = 0, CAPTURE_ACTIVE = 1, CAPTURE_INVALIDATED = 2, CAPTURE_GLOBAL = 0, CAPTURE_THREAD_LOCAL = 1, CAPTURE_RELAXED = 2 };
CUresult stub_capture_forbids(void); /* for calls that no capture may see: 900, and the capture that forbids it is invalid */
CUresult stub_capture_forbids_sync(context *ctx);
CUresult stub_capture_implicit(context *ctx); /* the caller holds stub_lock */
CUresult stub_capture_op(stream *s, op *o); /* the caller holds stub_lock */
void stub_capture_join(stream *s, capture *c, node **deps, size_t count); /* the caller holds stub_lock */
void stub_capture_invalidate(capture *c);

/* events.c */
typedef struct mark { _Atomic int refs; _Atomic uint32_t done; int64_t when; } mark;
struct shared_event { _Atomic uint32_t recorded, completed; };

/* graphs.c */
typedef struct graph graph;
struct node { unsigned magic; graph *owner; op *work; node **deps; size_t dep_count; node *next; bool visited; stream *captured_on; };
struct user_ref { struct user_object *object; unsigned count; struct user_ref *next; };
struct graph { unsigned magic; node *first, *last; size_t count; struct user_ref *users; };
graph *stub_new_graph(void);
node *stub_add_node(graph *g, op *work, node *const *deps, size_t count); /* takes the reference */
void stub_free_graph(graph *g);
enum { NODE_KERNEL = 0, NODE_MEMCPY = 1, NODE_MEMSET = 2, NODE_HOST = 3, NODE_GRAPH = 4, NODE_EMPTY = 5, NODE_WAIT = 6, NODE_RECORD = 7, NODE_MEM_ALLOC = 10, NODE_MEM_FREE = 11, NODE_MEMOP = 12 };

/* memory.c */
enum range_kind { RANGE_DEVICE, RANGE_POOL, RANGE_HOST, RANGE_REGISTERED, RANGE_VIRTUAL, RANGE_IPC };
typedef struct range {
    uintptr_t base;
    size_t size, mapped;
    enum range_kind kind;
    context *ctx;
    CUdevice device; /* -1: the host's */
    int fd;
    size_t offset;
    uint64_t id, handle;
    unsigned flags, uses;
    bool accessible;
} range;
bool stub_find(uintptr_t address, range *out); /* a copy */
bool stub_known(uintptr_t address, size_t bytes); /* all of it in live memory that a device can reach */
bool stub_is_pageable(uintptr_t address);
bool stub_add_range(range r);
bool stub_remove_range(uintptr_t base, enum range_kind kind, range *out);
bool stub_use_range(uintptr_t base, enum range_kind kind, int change, range *out); /* false if there is none */
CUresult stub_alloc(context *ctx, CUdevice device, size_t bytes, enum range_kind kind, CUdeviceptr *out);
CUresult stub_free(CUdeviceptr pointer);


#endif
