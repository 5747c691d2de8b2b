/* Communicators: made from a unique id by all ranks. */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ranks of one host may not share a device; NCCL_HOSTID replaces the host's name. */
static uint64_t host_hash(void)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    const char *override = getenv("NCCL_HOSTID");
    uint64_t hash = 14695981039346656037u;
    for (const char *at = override != NULL && *override != '\0' ? override : name; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    return hash;
}

static ncclResult_t check_config(const ncclConfig *config)
{
    NEED(config == NULL || config->magic == 0xcafebeef, ncclInvalidArgument,
         "ncclConfig_t argument not initialized via NCCL_CONFIG_INITIALIZER");
    NEED(config == NULL || config->blocking == 0 || config->blocking == 1 || config->blocking == UNDEFINED, ncclInvalidArgument,
         "Invalid config blocking attribute value %d", config->blocking);
    return ncclSuccess;
}

static ncclResult_t find_device(comm *c)
{
    const struct driver *d = stub_driver();
    if (d == NULL)
        return ncclSystemError;
    TRY(CUDA(cuCtxGetCurrent, &c->context));
    NEED(c->context != NULL, ncclUnhandledCudaError, "Cuda failure 201 'invalid device context' : the thread has no current context");
    TRY(CUDA(cuCtxGetDevice, &c->device));
    return CUDA(cuDeviceGetPCIBusId, c->bus, (int)sizeof c->bus, c->device);
}

/* LIKE: the parent, whose device and mode it has; NULL: the current context's device. */
comm *stub_new_comm(int rank, int ranks, const ncclConfig *config, const comm *like, ncclResult_t *result)
{
    comm *c = calloc(1, sizeof *c);
    c->rank = rank;
    c->ranks = ranks;
    *result = check_config(config);
    if (*result == ncclSuccess && like == NULL)
        *result = find_device(c);
    if (like != NULL) {
        c->device = like->device;
        c->context = like->context;
        memcpy(c->bus, like->bus, sizeof c->bus);
    }
    if (*result != ncclSuccess) {
        free(c);
        return NULL;
    }
    c->host = host_hash();
    c->blocking = config != NULL && config->blocking != UNDEFINED ? config->blocking : like != NULL ? like->blocking : 1;
    c->polls = c->blocking == 0 ? stub_number("STUB_NCCL_IN_PROGRESS", 1) : 0;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_mutex_init(&c->executing, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->magic = COMM_MAGIC;
    return c;
}

static ncclResult_t attach(struct job *j) { return stub_attach(j->c, &j->id); }

/* The communicator is given out before anybody is waited for: another thread may abort it. */
static ncclResult_t init_rank(const char *name, comm **out, int ranks, const ncclUniqueId *id, int rank, const ncclConfig *config)
{
    NEED(out != NULL, ncclInvalidArgument, "%s : comm argument is NULL", name);
    NEED(ranks > 0 && ranks <= MAX_RANKS && rank >= 0 && rank < ranks, ncclInvalidArgument, "Invalid rank requested : %d/%d", rank, ranks);
    stub_log_environment();
    ncclResult_t result;
    comm *c = stub_new_comm(rank, ranks, config, NULL, &result);
    if (c == NULL)
        return result;
    __atomic_store_n(out, c, __ATOMIC_RELEASE);
    return stub_add_job((struct job){ .c = c, .run = attach, .id = *id });
}

API ncclResult_t ncclCommInitRank(comm **out, int ranks, ncclUniqueId id, int rank)
{
    TRY(stub_group_error(stub_enter(__func__, NULL, (size_t)ranks, 0)));
    return stub_group_error(init_rank(__func__, out, ranks, &id, rank, NULL));
}

API ncclResult_t ncclCommInitRankConfig(comm **out, int ranks, ncclUniqueId id, int rank, const ncclConfig *config)
{
    TRY(stub_group_error(stub_enter(__func__, NULL, (size_t)ranks, 0)));
    return stub_group_error(init_rank(__func__, out, ranks, &id, rank, config));
}

API ncclResult_t ncclCommInitRankScalable(comm **out, int ranks, int rank, int id_count, const ncclUniqueId *ids, const ncclConfig *config)
{
    TRY(stub_group_error(stub_enter(__func__, NULL, (size_t)ranks, 0)));
    if (ids == NULL || id_count < 1 || id_count > ranks)
        return stub_group_error(stub_fail(ncclInvalidArgument, "%s : %d unique ids for %d ranks", __func__, id_count, ranks));
    return stub_group_error(init_rank(__func__, out, ranks, &ids[0], rank, config));
}

static ncclResult_t init_device(comm **out, int ranks, const ncclUniqueId *id, int rank, int device)
{
    const struct driver *d = stub_driver();
    void *context, *popped;
    if (d == NULL)
        return ncclSystemError;
    TRY(CUDA(cuDevicePrimaryCtxRetain, &context, device));
    TRY(CUDA(cuCtxPushCurrent_v2, context));
    ncclResult_t result = init_rank("ncclCommInitAll", out, ranks, id, rank, NULL);
    (void)CUDA(cuCtxPopCurrent_v2, &popped);
    return result;
}

API ncclResult_t ncclCommInitAll(comm **out, int count, const int *devices)
{
    TRY(stub_enter(__func__, NULL, (size_t)count, 0));
    NEED(out != NULL && count > 0, ncclInvalidArgument, "%s : invalid device count %d", __func__, count);
    ncclUniqueId id;
    TRY(stub_new_id(&id));
    stub_group_begin();
    ncclResult_t result = ncclSuccess;
    for (int i = 0; i < count && result == ncclSuccess; i++)
        result = stub_group_error(init_device(&out[i], count, &id, i, devices != NULL ? devices[i] : i));
    ncclResult_t ended = stub_group_finish();
    return result != ncclSuccess ? result : ended;
}

static int by_key(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return x[1] != y[1] ? (x[1] < y[1] ? -1 : 1) : x[2] - y[2];
}

/* Both steps are the parent's: all of WHO are in it, MEMBERS of them go into the child. */
static ncclResult_t attach_child(struct job *j, int lane, const int *who, int who_count, int leader, bool member)
{
    char all[MAX_RANKS][BOARD_BYTES];
    comm *p = j->parent;
    ncclUniqueId id = { { 0 } };
    if (member && p->rank == leader)
        TRY(stub_new_id(&id));
    TRY(stub_exchange(p, lane, who, who_count, &id, sizeof id, all));
    if (!member)
        return ncclSuccess;
    for (int i = 0; i < who_count; i++) {
        if (who[i] == leader)
            memcpy(&id, all[i], sizeof id);
    }
    return stub_attach(j->c, &id);
}

static ncclResult_t split(struct job *j)
{
    comm *p = j->parent, *c = j->c;
    int who[MAX_RANKS], mine[3] = { j->color, j->key, p->rank }, members[MAX_RANKS][3], count = 0;
    char all[MAX_RANKS][BOARD_BYTES];
    for (int i = 0; i < p->ranks; i++)
        who[i] = i;
    TRY(stub_exchange(p, LANE_SPLIT, who, p->ranks, mine, sizeof mine, all));
    for (int i = 0; i < p->ranks; i++) {
        int theirs[3];
        memcpy(theirs, all[i], sizeof theirs);
        if (theirs[0] == j->color && j->color >= 0)
            memcpy(members[count++], theirs, sizeof theirs);
    }
    qsort(members, (size_t)count, sizeof *members, by_key);
    for (int i = 0; i < count; i++)
        c->rank = members[i][2] == p->rank ? i : c->rank;
    c->ranks = count > 0 ? count : 1;
    return attach_child(j, LANE_SPLIT, who, p->ranks, count > 0 ? members[0][2] : -1, j->color >= 0);
}

static ncclResult_t add_child(struct job j, const ncclConfig *config, comm **out, bool member)
{
    ncclResult_t result;
    j.c = stub_new_comm(0, 1, config, j.parent, &result);
    if (j.c == NULL)
        return result;
    __atomic_store_n(out, member ? j.c : NULL, __ATOMIC_RELEASE);
    return stub_add_job(j);
}

API ncclResult_t ncclCommSplit(comm *parent, int color, int key, comm **out, const ncclConfig *config)
{
    TRY(stub_group_error(stub_enter(__func__, parent, 0, 0)));
    TRY(stub_group_error(stub_ready(__func__, parent)));
    if (out == NULL || color < -1)
        return stub_group_error(stub_fail(ncclInvalidArgument, "%s : color %d, or no place for the communicator", __func__, color));
    return stub_group_error(add_child((struct job){ .parent = parent, .run = split, .color = color, .key = key }, config, out, color >= 0));
}

static ncclResult_t shrink(struct job *j)
{
    int *survivors = j->buffer;
    ncclResult_t result = attach_child(j, LANE_SHRINK, survivors, j->c->ranks, survivors[0], true);
    free(survivors);
    return result;
}

API ncclResult_t ncclCommShrink(comm *parent, const int *excluded, int count, comm **out, const ncclConfig *config, int flags)
{
    TRY(stub_group_error(stub_enter(__func__, parent, (size_t)count, 0)));
    TRY(stub_group_error(flags == 1 ? stub_living(__func__, parent) : stub_ready(__func__, parent)));
    bool valid = out != NULL && excluded != NULL && count > 0 && count < parent->ranks;
    for (int i = 0; valid && i < count; i++)
        valid = excluded[i] >= 0 && excluded[i] < parent->ranks && excluded[i] != parent->rank;
    if (!valid)
        return stub_group_error(stub_fail(ncclInvalidArgument, "%s : the list of %d excluded ranks holds this one, or one that is not there", __func__, count));
    if (flags == 1) {
        atomic_store(&parent->revoked, true);
        stub_ring_bell(parent, parent->rank);
    }
    int *survivors = malloc((size_t)parent->ranks * sizeof *survivors), n = 0, own = 0;
    for (int r = 0; r < parent->ranks; r++) {
        bool stays = true;
        for (int i = 0; i < count; i++)
            stays &= excluded[i] != r;
        own = r == parent->rank ? n : own;
        if (stays)
            survivors[n++] = r;
    }
    ncclResult_t result;
    comm *c = stub_new_comm(own, n, config, parent, &result);
    if (c == NULL) {
        free(survivors);
        return stub_group_error(result);
    }
    __atomic_store_n(out, c, __ATOMIC_RELEASE);
    return stub_group_error(stub_add_job((struct job){ .c = c, .parent = parent, .run = shrink, .buffer = survivors }));
}
