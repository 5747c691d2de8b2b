/* NCCL without a GPU: real collectives over the stub driver's memory, between threads and processes of one machine. See ../README.md. */
#ifndef STUB_NCCL_H
#define STUB_NCCL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API __attribute__((visibility("default")))

typedef int ncclResult_t;
enum { ncclSuccess = 0, ncclUnhandledCudaError = 1, ncclSystemError = 2, ncclInternalError = 3, ncclInvalidArgument = 4, ncclInvalidUsage = 5,
       ncclRemoteError = 6, ncclInProgress = 7 };
enum { ncclSum = 0, ncclProd = 1, ncclMax = 2, ncclMin = 3, ncclAvg = 4, ncclNumOps = 5, PREMUL_SUM = ncclNumOps };
enum { ncclInt8, ncclUint8, ncclInt32, ncclUint32, ncclInt64, ncclUint64, ncclFloat16, ncclFloat32, ncclFloat64, ncclBfloat16, ncclFloat8e4m3, ncclFloat8e5m2,
       TYPES };
enum { UNDEFINED = INT32_MIN };
typedef struct ncclUniqueId { char internal[128]; } ncclUniqueId;
typedef struct ncclConfig { size_t size; unsigned magic, version; int blocking; /* what follows changes nothing here */ } ncclConfig;

/* core.c */
typedef struct comm comm;
ncclResult_t stub_enter(const char *name, const comm *c, size_t count, int type); /* the log and injected faults */
ncclResult_t stub_fail(ncclResult_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));
ncclResult_t stub_unsupported(const char *name);
int stub_version(void);
int stub_number(const char *variable, int fallback);
void stub_log_environment(void);
void stub_injected_async_error(comm *c);

#define NEED(condition, code, ...) do { if (!(condition)) return stub_fail(code, __VA_ARGS__); } while (0)
#define TRY(call) do { ncclResult_t tried_ = (call); if (tried_ != ncclSuccess) return tried_; } while (0)

/* driver.c: the stub driver in this process, by its exported names */
struct driver {
    int (*cuCtxGetCurrent)(void **), (*cuCtxPushCurrent_v2)(void *), (*cuCtxPopCurrent_v2)(void **), (*cuCtxGetDevice)(int *);
    int (*cuDevicePrimaryCtxRetain)(void **, int), (*cuDeviceGetPCIBusId)(char *, int, int);
    int (*cuPointerGetAttribute)(void *, int, uintptr_t), (*cuMemGetAddressRange_v2)(uintptr_t *, size_t *, uintptr_t);
    int (*cuLaunchHostFunc)(void *, void (*)(void *), void *), (*cuStreamWaitEvent)(void *, void *, unsigned);
    int (*cuEventCreate)(void **, unsigned), (*cuEventRecord)(void *, void *);
    int (*cuStreamGetCaptureInfo_v2)(void *, int *, uint64_t *, void **, void *, void *);
    int (*cuUserObjectCreate)(void **, void *, void (*)(void *), unsigned, unsigned), (*cuGraphRetainUserObject)(void *, void *, unsigned, unsigned);
    int (*cuMemGetAllocationGranularity)(size_t *, const void *, int), (*cuMemCreate)(uint64_t *, size_t, const void *, uint64_t);
    int (*cuMemAddressReserve)(uintptr_t *, size_t, size_t, uintptr_t, uint64_t), (*cuMemMap)(uintptr_t, size_t, size_t, uint64_t, uint64_t);
    int (*cuMemSetAccess)(uintptr_t, size_t, const void *, size_t), (*cuMemUnmap)(uintptr_t, size_t), (*cuMemAddressFree)(uintptr_t, size_t);
    int (*cuMemRelease)(uint64_t);
    void (*stub_cuda_quiet)(int);
};
const struct driver *stub_driver(void); /* NULL, with the last error's text, if there is none */
#define CUDA(function, ...) stub_cuda_call(#function, (d->stub_cuda_quiet(1), d->function(__VA_ARGS__)))
ncclResult_t stub_cuda_call(const char *name, int result);

/* segment.c: what the ranks of a communicator share */
enum { RING_BYTES = 128 << 10, LANES = 4, BOARD_BYTES = 192, PLANES = 2, MAX_RANKS = 128 };
enum { LANE_SPLIT, LANE_CONNECT, LANE_SHRINK, LANE_WINDOW };
struct board { _Atomic uint32_t sequence; char data[BOARD_BYTES]; };
struct channel { _Atomic uint64_t head; char pad0[56]; _Atomic uint64_t tail; char pad1[56]; char data[RING_BYTES]; };
struct member {
    _Atomic uint32_t taken, bell, waiting;
    int32_t pid;
    uint64_t host;
    char bus[16];
    struct board boards[LANES][2];
};
struct segment { _Atomic uint64_t nonce; _Atomic uint32_t rank_count, attached; char pad[4080]; struct member members[]; };
ncclResult_t stub_new_id(ncclUniqueId *id);
ncclResult_t stub_attach(comm *c, const ncclUniqueId *id); /* blocks until all ranks have come */
void stub_detach(comm *c);
struct channel *stub_channel(const comm *c, int from, int to, int plane);
void stub_ring_bell(const comm *c, int rank);
void stub_await_bell(const comm *c, uint32_t seen);
ncclResult_t stub_exchange(comm *c, int lane, const int *who, int count, const void *mine, size_t bytes, char (*all)[BOARD_BYTES]);

/* reduce.c */
size_t stub_type_size(int type);
void stub_reduce(void *out, const void *const *inputs, int count, size_t elements, int type, int op, const uint64_t *scales);

/* transfer.c: on the stream's thread */
enum task_kind { TASK_ALL_REDUCE, TASK_REDUCE, TASK_BROADCAST, TASK_ALL_GATHER, TASK_REDUCE_SCATTER, TASK_ALL_TO_ALL, TASK_GATHER, TASK_SCATTER, TASK_SEND,
                 TASK_RECV };
struct task {
    enum task_kind kind;
    const char *send;
    char *recv;
    size_t count;
    int type, op, peer; /* peer: or root */
    uint64_t scale;
    const void *device_scale;
};
bool stub_execute(comm *c, const struct task *tasks, int count); /* false: cut short */

/* group.c and launch.c */
enum { MAX_STREAMS = 8 };
struct launch { comm *c; void *stream, *others[MAX_STREAMS]; int other_count; bool captured; _Atomic int refs; struct launch *next; int count; struct task tasks[]; };
struct job {
    comm *c, *parent;
    ncclResult_t (*run)(struct job *);
    ncclResult_t result;
    struct job *next;
    pthread_t thread;
    bool threaded;
    ncclUniqueId id;
    int color, key;
    void *buffer, **out;
    size_t size;
};
void stub_group_begin(void);
ncclResult_t stub_group_finish(void);
ncclResult_t stub_group_error(ncclResult_t error); /* what a call inside a group fails with, its end fails with too */
ncclResult_t stub_add_task(comm *c, void *stream, struct task t);
ncclResult_t stub_add_job(struct job j); /* at once, or at the end of the group; in a thread if the communicator does not block */
ncclResult_t stub_launch(struct launch *l); /* takes it */
void stub_defer(struct launch *l); /* until the communicator is asked whether it is ready */
ncclResult_t stub_launch_deferred(comm *c); /* the caller holds no lock */

/* init.c */
enum { COMM_MAGIC = 0x636f6d6d, COMM_DEAD = 0x64656164, MAX_REDOPS = 256 };
struct redop { bool live; int type; uint64_t scale; const void *device_scale; };
struct comm {
    unsigned magic;
    int rank, ranks, device, blocking, polls;
    void *context;
    char bus[16];
    uint64_t host;
    struct segment *segment;
    size_t segment_bytes;
    _Atomic bool aborted, revoked, broken;
    _Atomic int error, graph_refs, operations;
    pthread_mutex_t mutex, executing;
    pthread_cond_t changed;
    int running, queued; /* host functions that run, eager ones that have not ended */
    int jobs, polls_left; /* calls that wait for other ranks; how often GetAsyncError says "in progress" */
    bool connected, finalized;
    struct launch *deferred;
    uint32_t board_sequence[LANES];
    void *join_event, *chain_event[2], *chain_stream[2]; /* eager and captured: the last stream that the communicator was used on */
    uint64_t chain_capture;
    struct redop redops[MAX_REDOPS];
};
comm *stub_new_comm(int rank, int ranks, const ncclConfig *config, const comm *like, ncclResult_t *result);
ncclResult_t stub_ready(const char *name, comm *c); /* a living communicator with nothing in progress and no error */
ncclResult_t stub_living(const char *name, comm *c);

#endif
