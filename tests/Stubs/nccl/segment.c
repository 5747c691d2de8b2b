/* What the ranks of a communicator share: a memfd of the process that made the unique id, opened by its number. It has no name: nothing is left
   behind, whoever dies. */
#include "stub.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct id { char tag[8]; uint64_t nonce; int32_t pid, fd; };
static const char s_tag[8] = "stubnccl";

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { uint64_t nonce; int fd; } s_own[1024];

ncclResult_t stub_new_id(ncclUniqueId *out)
{
    struct id id = { .pid = getpid() };
    memcpy(id.tag, s_tag, sizeof s_tag);
    NEED(getrandom(&id.nonce, sizeof id.nonce, 0) == (ssize_t)sizeof id.nonce, ncclSystemError, "stub: no random number");
    id.fd = memfd_create("stub-nccl", MFD_CLOEXEC);
    NEED(id.fd >= 0, ncclSystemError, "stub: no memfd");
    if (pwrite(id.fd, &id.nonce, sizeof id.nonce, 0) != (ssize_t)sizeof id.nonce) {
        close(id.fd);
        return stub_fail(ncclSystemError, "stub: the memfd is not writable");
    }
    pthread_mutex_lock(&s_lock);
    for (size_t i = 0; i < sizeof s_own / sizeof *s_own; i++) {
        if (s_own[i].nonce == 0) {
            s_own[i].nonce = id.nonce;
            s_own[i].fd = id.fd;
            break;
        }
    }
    pthread_mutex_unlock(&s_lock);
    memset(out, 0, sizeof *out);
    memcpy(out, &id, sizeof id);
    return ncclSuccess;
}

/* Once all have come nobody opens it any more. */
static void close_own(uint64_t nonce)
{
    pthread_mutex_lock(&s_lock);
    for (size_t i = 0; i < sizeof s_own / sizeof *s_own; i++) {
        if (s_own[i].nonce == nonce) {
            close(s_own[i].fd);
            s_own[i].nonce = 0;
        }
    }
    pthread_mutex_unlock(&s_lock);
}

static size_t channels_at(int ranks) { return (sizeof(struct segment) + (size_t)ranks * sizeof(struct member) + 4095) & ~(size_t)4095; }

struct channel *stub_channel(const comm *c, int from, int to, int plane)
{
    return (struct channel *)((char *)c->segment + channels_at(c->ranks)) + ((size_t)plane * (size_t)c->ranks + (size_t)from) * (size_t)c->ranks + (size_t)to;
}

void stub_ring_bell(const comm *c, int rank)
{
    struct member *m = &c->segment->members[rank];
    atomic_fetch_add(&m->bell, 1);
    if (atomic_load(&m->waiting) != 0)
        syscall(SYS_futex, &m->bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void stub_await_bell(const comm *c, uint32_t seen)
{
    struct member *m = &c->segment->members[c->rank];
    for (int i = 0; i < 8; i++) {
        if (atomic_load(&m->bell) != seen)
            return;
        sched_yield();
    }
    struct timespec limit = { 0, 5000000 };
    atomic_fetch_add(&m->waiting, 1);
    syscall(SYS_futex, &m->bell, FUTEX_WAIT, seen, &limit, NULL, 0);
    atomic_fetch_sub(&m->waiting, 1);
}

static ncclResult_t map(comm *c, const ncclUniqueId *out)
{
    struct id id;
    memcpy(&id, out, sizeof id);
    NEED(memcmp(id.tag, s_tag, sizeof s_tag) == 0, ncclInvalidArgument, "stub: this is no unique id of the stub's");
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", id.pid, id.fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    NEED(fd >= 0, ncclRemoteError, "stub: the process %d that made the unique id has ended, or all its ranks have come already", id.pid);
    size_t bytes = channels_at(c->ranks) + (size_t)PLANES * (size_t)c->ranks * (size_t)c->ranks * sizeof(struct channel);
    struct stat file;
    uint64_t nonce = 0;
    bool grown = pread(fd, &nonce, sizeof nonce, 0) == (ssize_t)sizeof nonce && nonce == id.nonce && fstat(fd, &file) == 0
        && (file.st_size >= (off_t)bytes || ftruncate(fd, (off_t)bytes) == 0);
    void *at = grown ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0) : MAP_FAILED;
    close(fd);
    NEED(nonce == id.nonce, ncclRemoteError, "stub: all ranks of the unique id have come already");
    NEED(at != MAP_FAILED, ncclSystemError, "stub: no memory for %d ranks", c->ranks);
    c->segment = at;
    c->segment_bytes = bytes;
    return ncclSuccess;
}

void stub_detach(comm *c)
{
    if (c->segment != NULL)
        munmap(c->segment, c->segment_bytes);
    c->segment = NULL;
}

static ncclResult_t duplicates(comm *c)
{
    const struct member *m = c->segment->members;
    for (int i = 0; i < c->ranks; i++) {
        for (int j = 0; j < i; j++)
            NEED(m[i].host != m[j].host || strcmp(m[i].bus, m[j].bus) != 0, ncclInvalidUsage,
                 "Duplicate GPU detected : rank %d and rank %d both on CUDA device %s", j, i, m[i].bus);
    }
    return ncclSuccess;
}

ncclResult_t stub_attach(comm *c, const ncclUniqueId *id)
{
    TRY(map(c, id));
    struct segment *s = c->segment;
    uint32_t none = 0;
    if (!atomic_compare_exchange_strong(&s->rank_count, &none, (uint32_t)c->ranks))
        NEED(none == (uint32_t)c->ranks, ncclInvalidArgument, "stub: this rank says that there are %d ranks, another %u", c->ranks, none);
    struct member *own = &s->members[c->rank];
    NEED(atomic_exchange(&own->taken, 1) == 0, ncclInvalidUsage, "stub: there is a rank %d already", c->rank);
    own->pid = getpid();
    own->host = c->host;
    memcpy(own->bus, c->bus, sizeof own->bus);
    atomic_fetch_add(&s->attached, 1);
    for (int i = 0; i < c->ranks; i++)
        stub_ring_bell(c, i);
    for (uint32_t seen = atomic_load(&own->bell); atomic_load(&s->attached) < (uint32_t)c->ranks; seen = atomic_load(&own->bell)) {
        NEED(!atomic_load(&c->aborted), ncclInternalError, "stub: aborted while rank %d of %d waited for the others", c->rank, c->ranks);
        stub_await_bell(c, seen);
    }
    close_own(atomic_load(&s->nonce));
    return duplicates(c);
}

/* All of WHO give BYTES and get everybody's, in the order of WHO. */
ncclResult_t stub_exchange(comm *c, int lane, const int *who, int count, const void *mine, size_t bytes, char (*all)[BOARD_BYTES])
{
    uint32_t sequence = ++c->board_sequence[lane];
    struct member *members = c->segment->members;
    struct board *own = &members[c->rank].boards[lane][sequence & 1];
    if (bytes > 0)
        memcpy(own->data, mine, bytes);
    atomic_store(&own->sequence, sequence);
    for (int i = 0; i < count; i++)
        stub_ring_bell(c, who[i]);
    for (int i = 0; i < count; i++) {
        struct board *theirs = &members[who[i]].boards[lane][sequence & 1];
        for (uint32_t seen = atomic_load(&members[c->rank].bell); atomic_load(&theirs->sequence) != sequence; seen = atomic_load(&members[c->rank].bell)) {
            NEED(!atomic_load(&c->aborted), ncclInternalError, "stub: aborted while rank %d waited for rank %d", c->rank, who[i]);
            stub_await_bell(c, seen);
        }
        if (bytes > 0)
            memcpy(all[i], theirs->data, bytes);
    }
    return ncclSuccess;
}
