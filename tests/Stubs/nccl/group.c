/* Groups of a thread: what is called between start and end is enqueued at the end, all of a communicator as one host function. */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

struct entry { comm *c; void *stream; struct task task; struct entry *next; };
static _Thread_local int t_depth;
static _Thread_local ncclResult_t t_error;
static _Thread_local struct entry *t_first, *t_last;
static _Thread_local struct job *t_jobs, *t_last_job;

/* In the group of several ranks that one thread drives each needs the others: one thread a job. */
static void end_job(struct job *j)
{
    comm *both[] = { j->c, j->parent };
    for (int i = 0; i < 2; i++) {
        comm *c = both[i];
        if (c == NULL)
            continue;
        if (j->result != ncclSuccess && (i == 0 || c->blocking == 0))
            atomic_store(&c->error, j->result);
        pthread_mutex_lock(&c->mutex);
        c->jobs--;
        c->polls_left = c->polls;
        pthread_cond_broadcast(&c->changed);
        pthread_mutex_unlock(&c->mutex);
    }
}

static void *work(void *argument)
{
    struct job *j = argument;
    bool background = j->c->blocking == 0;
    j->result = j->run(j);
    end_job(j);
    if (background)
        free(j);
    return NULL;
}

static void start_job(struct job *j)
{
    comm *both[] = { j->c, j->parent };
    for (int i = 0; i < 2; i++) {
        if (both[i] == NULL)
            continue;
        pthread_mutex_lock(&both[i]->mutex);
        both[i]->jobs++;
        pthread_mutex_unlock(&both[i]->mutex);
    }
}

static ncclResult_t run_jobs(struct job *jobs)
{
    ncclResult_t result = ncclSuccess;
    struct job *waited = NULL, *next;
    for (struct job *j = jobs; j != NULL; j = next) {
        next = j->next;
        start_job(j);
        if (j->c->blocking == 0) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, work, j) == 0)
                pthread_detach(thread);
            result = ncclInProgress;
        } else {
            j->next = waited;
            waited = j;
        }
    }
    for (struct job *j = waited; j != NULL; j = j->next)
        j->threaded = waited->next != NULL && pthread_create(&j->thread, NULL, work, j) == 0;
    for (struct job *j = waited; j != NULL; j = next) {
        next = j->next;
        if (j->threaded)
            pthread_join(j->thread, NULL);
        else
            work(j);
        if (j->result != ncclSuccess)
            result = j->result;
        free(j);
    }
    return result;
}

static ncclResult_t connect_all(struct job *j)
{
    int who[MAX_RANKS];
    for (int i = 0; i < j->c->ranks; i++)
        who[i] = i;
    char all[MAX_RANKS][BOARD_BYTES];
    return stub_exchange(j->c, LANE_CONNECT, who, j->c->ranks, NULL, 0, all);
}

static bool needs_connection(const struct launch *l)
{
    bool collective = false;
    for (int i = 0; i < l->count; i++)
        collective |= l->tasks[i].kind < TASK_SEND;
    return collective && !l->c->connected && stub_number("STUB_NCCL_LAZY_CONNECT", 0) != 0;
}

/* STUB_NCCL_LAZY_CONNECT: a communicator's first collective does not return before all ranks have called it. */
static ncclResult_t connect(struct launch *launches)
{
    struct job *jobs = NULL;
    for (struct launch *l = launches; l != NULL; l = l->next) {
        if (!needs_connection(l))
            continue;
        l->c->connected = true;
        struct job *j = calloc(1, sizeof *j);
        *j = (struct job){ .c = l->c, .run = connect_all, .next = jobs };
        jobs = j;
    }
    return run_jobs(jobs);
}

/* To itself a rank must send as much as it receives. */
static ncclResult_t check_self(const struct launch *l)
{
    int sends = 0, receives = 0;
    size_t sent = 0, received = 0;
    for (int i = 0; i < l->count; i++) {
        const struct task *t = &l->tasks[i];
        bool self = t->kind >= TASK_SEND && t->peer == l->c->rank && t->count > 0;
        sends += self && t->kind == TASK_SEND;
        receives += self && t->kind == TASK_RECV;
        sent += self && t->kind == TASK_SEND ? t->count : 0;
        received += self && t->kind == TASK_RECV ? t->count : 0;
    }
    NEED(sends == receives && sent == received, ncclInvalidUsage, "Trying to send to self without a matching recv");
    return ncclSuccess;
}

/* The thread's calls by communicator, in the order of each one's first. */
static struct launch *collect(void)
{
    struct launch *first = NULL, **end = &first;
    for (struct entry *e = t_first; e != NULL; e = e->next) {
        if (e->c == NULL)
            continue;
        int count = 0;
        for (struct entry *other = e; other != NULL; other = other->next)
            count += other->c == e->c;
        struct launch *l = calloc(1, sizeof *l + (size_t)count * sizeof *l->tasks);
        *l = (struct launch){ .c = e->c, .stream = e->stream };
        comm *c = e->c;
        for (struct entry *other = e; other != NULL; other = other->next) {
            if (other->c != c)
                continue;
            l->tasks[l->count++] = other->task;
            bool known = other->stream == l->stream;
            for (int i = 0; i < l->other_count; i++)
                known |= l->others[i] == other->stream;
            if (!known && l->other_count < MAX_STREAMS)
                l->others[l->other_count++] = other->stream;
            other->c = NULL;
        }
        *end = l;
        end = &l->next;
    }
    return first;
}

static void forget(void)
{
    for (struct entry *e = t_first, *next; e != NULL; e = next) {
        next = e->next;
        free(e);
    }
    t_first = t_last = NULL;
    for (struct job *j = t_jobs, *next; j != NULL; j = next) {
        next = j->next;
        free(j);
    }
    t_jobs = t_last_job = NULL;
    t_error = ncclSuccess;
}

static ncclResult_t launch_all(struct launch *launches)
{
    ncclResult_t result = ncclSuccess;
    for (struct launch *l = launches; l != NULL && result == ncclSuccess; l = l->next)
        result = check_self(l);
    if (result == ncclSuccess)
        result = connect(launches);
    bool failed = result != ncclSuccess && result != ncclInProgress;
    for (struct launch *l = launches, *next; l != NULL; l = next) {
        next = l->next;
        l->next = NULL;
        if (failed) {
            free(l);
        } else if (l->c->blocking == 0 && (l->c->polls > 0 || result == ncclInProgress)) {
            stub_defer(l);
            result = ncclInProgress;
        } else {
            ncclResult_t launched = stub_launch(l);
            result = launched != ncclSuccess ? launched : result;
        }
    }
    return result;
}

ncclResult_t stub_group_finish(void)
{
    if (--t_depth > 0)
        return t_error;
    ncclResult_t result = t_error;
    struct job *jobs = t_jobs;
    if (result == ncclSuccess) {
        t_jobs = NULL;
        result = run_jobs(jobs);
    }
    if (result == ncclSuccess || result == ncclInProgress) {
        ncclResult_t launched = launch_all(collect());
        result = launched != ncclSuccess ? launched : result;
    }
    forget();
    return result;
}

void stub_group_begin(void) { t_depth++; }

ncclResult_t stub_group_error(ncclResult_t error)
{
    if (t_depth > 0 && t_error == ncclSuccess)
        t_error = error;
    return error;
}

ncclResult_t stub_add_task(comm *c, void *stream, struct task t)
{
    struct entry *e = calloc(1, sizeof *e);
    *e = (struct entry){ c, stream, t, NULL };
    stub_group_begin();
    if (t_last != NULL)
        t_last->next = e;
    else
        t_first = e;
    t_last = e;
    return stub_group_finish();
}

ncclResult_t stub_add_job(struct job job)
{
    struct job *j = malloc(sizeof *j);
    *j = job;
    stub_group_begin();
    if (t_last_job != NULL)
        t_last_job->next = j;
    else
        t_jobs = j;
    t_last_job = j;
    return stub_group_finish();
}

API ncclResult_t ncclGroupStart(void)
{
    TRY(stub_enter(__func__, NULL, 0, 0));
    stub_group_begin();
    return ncclSuccess;
}

API ncclResult_t ncclGroupEnd(void)
{
    ncclResult_t injected = stub_enter(__func__, NULL, 0, 0);
    NEED(t_depth > 0, ncclInvalidUsage, "ncclGroupEnd: not in a group call.");
    if (injected != ncclSuccess)
        stub_group_error(injected);
    return stub_group_finish();
}

struct sim_info { size_t size; unsigned magic, version; float estimated; };

API ncclResult_t ncclGroupSimulateEnd(struct sim_info *info)
{
    TRY(stub_enter(__func__, NULL, 0, 0));
    NEED(t_depth > 0, ncclInvalidUsage, "ncclGroupSimulateEnd: not in a group call.");
    ncclResult_t result = t_error;
    if (info != NULL) {
        info->estimated = 0;
        for (struct entry *e = t_first; e != NULL; e = e->next)
            info->estimated += 10;
    }
    if (--t_depth == 0)
        forget();
    return result;
}
