/* What moves data: parts, one message each from or to a peer, all of which progress together. Collectives are made of parts. Runs on a stream's thread. */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENT_BYTES = 4 << 20, PLANE_COLLECTIVE = 0, PLANE_MESSAGE = 1 };
struct header { uint64_t bytes, scale, tag; };
struct part { int peer; bool sending, finished; char *data; size_t bytes, done; struct header header; uint64_t *scale_out; };

static size_t step(struct channel *ring, struct part *p, char *at, size_t left)
{
    uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);
    size_t room = (size_t)(p->sending ? RING_BYTES - (head - tail) : head - tail), place = (size_t)((p->sending ? head : tail) % RING_BYTES);
    size_t bytes = left < room ? left : room, first = bytes < RING_BYTES - place ? bytes : RING_BYTES - place;
    if (p->sending) {
        memcpy(ring->data + place, at, first);
        memcpy(ring->data, at + first, bytes - first);
        atomic_store(&ring->head, head + bytes);
    } else {
        memcpy(at, ring->data + place, first);
        memcpy(at + first, ring->data, bytes - first);
        atomic_store(&ring->tail, tail + bytes);
    }
    p->done += bytes;
    return bytes;
}

/* A breach of what the ranks must agree on is a bug of the caller's: NCCL would hang or mix up data, the stub says so and stops the communicator. */
static bool agrees(comm *c, const struct part *p, uint64_t bytes, uint64_t tag)
{
    if (p->header.bytes == bytes && p->header.tag == tag)
        return true;
    fprintf(stderr, "stub libnccl: rank %d expected %llu bytes of call %llx from rank %d, which sent %llu bytes of call %llx\n", c->rank, (unsigned long long)bytes,
            (unsigned long long)tag, p->peer, (unsigned long long)p->header.bytes, (unsigned long long)p->header.tag);
    atomic_store(&c->broken, true);
    atomic_store(&c->error, ncclInternalError);
    stub_fail(ncclInternalError, "stub: rank %d sent another call than rank %d made", p->peer, c->rank);
    return false;
}

static bool progress(comm *c, struct part *p, int plane, uint64_t tag, bool *moved)
{
    struct channel *ring = p->sending ? stub_channel(c, c->rank, p->peer, plane) : stub_channel(c, p->peer, c->rank, plane);
    size_t bytes = 0;
    if (p->done < sizeof p->header) {
        bytes = step(ring, p, (char *)&p->header + p->done, sizeof p->header - p->done);
        if (!p->sending && p->done == sizeof p->header && !agrees(c, p, p->bytes, tag))
            return false;
    }
    if (p->done >= sizeof p->header && p->done < sizeof p->header + p->bytes)
        bytes += step(ring, p, p->data + (p->done - sizeof p->header), sizeof p->header + p->bytes - p->done);
    p->finished = p->done == sizeof p->header + p->bytes;
    if (p->finished && p->scale_out != NULL)
        *p->scale_out = p->header.scale;
    if (bytes > 0) {
        *moved = true;
        stub_ring_bell(c, p->peer);
    }
    return true;
}

/* Messages between the same two ranks keep their order, all others pass each other. */
static bool run(comm *c, struct part *parts, int count, int plane, uint64_t tag, uint64_t scale)
{
    for (int i = 0; i < count; i++)
        parts[i].header = parts[i].sending ? (struct header){ parts[i].bytes, scale, tag } : (struct header){ 0, 0, 0 };
    while (!atomic_load(&c->aborted) && !atomic_load(&c->revoked) && !atomic_load(&c->broken)) {
        uint32_t seen = atomic_load(&c->segment->members[c->rank].bell);
        bool held[2][MAX_RANKS] = { { false } }, moved = false;
        int left = 0;
        for (int i = 0; i < count; i++) {
            struct part *p = &parts[i];
            if (p->finished || held[p->sending][p->peer])
                continue;
            if (!progress(c, p, plane, tag, &moved))
                return false;
            held[p->sending][p->peer] = !p->finished;
            left += !p->finished;
        }
        if (left == 0)
            return true;
        if (!moved)
            stub_await_bell(c, seen);
    }
    return false;
}

struct exchange { comm *c; const struct task *t; size_t size; uint64_t tag, scale; struct part *parts; int count; };

static void post(struct exchange *e, int peer, bool sending, const char *data, size_t elements, uint64_t *scale_out)
{
    if (elements > 0)
        e->parts[e->count++] = (struct part){ .peer = peer, .sending = sending, .data = (char *)data, .bytes = elements * e->size, .scale_out = scale_out };
}

static bool finish(struct exchange *e)
{
    int count = e->count;
    e->count = 0;
    return run(e->c, e->parts, count, PLANE_COLLECTIVE, e->tag, e->scale);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* ELEMENTS of everybody's, found at BLOCKS[r] for rank r, are reduced by that rank to OUT; a rank without OUT only gives. */
static bool reduce_to(struct exchange *e, const char *const *blocks, const size_t *lengths, char *out)
{
    int n = e->c->ranks, own = e->c->rank;
    size_t mine = lengths[own];
    char *gathered = malloc((size_t)n * mine * e->size + 1);
    const void *inputs[MAX_RANKS];
    uint64_t scales[MAX_RANKS];
    for (int r = 0; r < n; r++) {
        inputs[r] = r == own ? blocks[own] : gathered + (size_t)r * mine * e->size;
        scales[r] = e->scale;
        if (r == own)
            continue;
        post(e, r, true, blocks[r], lengths[r], NULL);
        post(e, r, false, inputs[r], mine, &scales[r]);
    }
    bool done = finish(e);
    if (done && mine > 0)
        stub_reduce(out, inputs, n, mine, e->t->type, e->t->op, e->t->op == PREMUL_SUM ? scales : NULL);
    free(gathered);
    return done;
}

static bool all_reduce(struct exchange *e)
{
    int n = e->c->ranks, own = e->c->rank;
    size_t most = SEGMENT_BYTES / e->size;
    for (size_t base = 0; base < e->t->count; base += most) {
        size_t length = smaller(most, e->t->count - base), share = (length + (size_t)n - 1) / (size_t)n, lengths[MAX_RANKS] = { 0 }, starts[MAX_RANKS] = { 0 };
        const char *blocks[MAX_RANKS];
        for (int r = 0; r < n; r++) {
            starts[r] = base + smaller((size_t)r * share, length);
            lengths[r] = smaller(share, base + length - starts[r]);
            blocks[r] = e->t->send + starts[r] * e->size;
        }
        if (!reduce_to(e, blocks, lengths, e->t->recv + starts[own] * e->size))
            return false;
        for (int r = 0; r < n; r++) {
            if (r == own)
                continue;
            post(e, r, true, e->t->recv + starts[own] * e->size, lengths[own], NULL);
            post(e, r, false, e->t->recv + starts[r] * e->size, lengths[r], NULL);
        }
        if (!finish(e))
            return false;
    }
    return true;
}

static bool reduce_blocks(struct exchange *e, bool scatter)
{
    int n = e->c->ranks, own = e->c->rank;
    size_t most = SEGMENT_BYTES / e->size;
    for (size_t base = 0; base < e->t->count; base += most) {
        size_t length = smaller(most, e->t->count - base), lengths[MAX_RANKS] = { 0 };
        const char *blocks[MAX_RANKS];
        for (int r = 0; r < n; r++) {
            lengths[r] = scatter || r == e->t->peer ? length : 0;
            blocks[r] = e->t->send + ((scatter ? (size_t)r * e->t->count : 0) + base) * e->size;
        }
        if (!reduce_to(e, blocks, lengths, lengths[own] > 0 ? e->t->recv + base * e->size : NULL))
            return false;
    }
    return true;
}

/* Each rank gives rank r the block at SEND + r * give and gets r's to RECV + r * take; a distance of 0 and a mask say who gives what. */
static bool copy_blocks(struct exchange *e, const char *send, size_t give, bool gives_all, int only_to, size_t take, bool takes_all, int only_from)
{
    int n = e->c->ranks, own = e->c->rank;
    size_t bytes = e->t->count * e->size;
    bool self_gives = gives_all && (only_to < 0 || only_to == own), self_takes = takes_all && (only_from < 0 || only_from == own);
    const char *from = send + (size_t)own * give;
    if (self_gives && self_takes && from != e->t->recv + (size_t)own * take)
        memmove(e->t->recv + (size_t)own * take, from, bytes);
    for (int r = 0; r < n; r++) {
        if (r == own)
            continue;
        if (gives_all && (only_to < 0 || only_to == r))
            post(e, r, true, send + (size_t)r * give, e->t->count, NULL);
        if (takes_all && (only_from < 0 || only_from == r))
            post(e, r, false, e->t->recv + (size_t)r * take, e->t->count, NULL);
    }
    return finish(e);
}

static bool all_to_all(struct exchange *e, size_t block)
{
    if (e->t->send != e->t->recv)
        return copy_blocks(e, e->t->send, block, true, -1, block, true, -1);
    char *copy = malloc((size_t)e->c->ranks * block + 1);
    memcpy(copy, e->t->send, (size_t)e->c->ranks * block);
    bool done = copy_blocks(e, copy, block, true, -1, block, true, -1);
    free(copy);
    return done;
}

static bool collective(comm *c, const struct task *t)
{
    struct exchange e = { .c = c, .t = t, .size = stub_type_size(t->type), .scale = t->scale };
    e.tag = (uint64_t)t->kind << 56 ^ (uint64_t)(t->type & 15) << 52 ^ (uint64_t)(t->op & 7) << 48 ^ (uint64_t)(t->peer & 255) << 40 ^ (t->count & 0xFFFFFFFFFF);
    if (t->op == PREMUL_SUM && t->device_scale != NULL)
        memcpy(&e.scale, t->device_scale, e.size);
    e.parts = malloc(2 * (size_t)c->ranks * sizeof *e.parts);
    size_t block = t->count * e.size;
    bool root = c->rank == t->peer, done = false;
    switch (t->kind) {
    case TASK_ALL_REDUCE: done = all_reduce(&e); break;
    case TASK_REDUCE: done = reduce_blocks(&e, false); break;
    case TASK_REDUCE_SCATTER: done = reduce_blocks(&e, true); break;
    case TASK_BROADCAST: done = copy_blocks(&e, t->send, 0, root, -1, 0, true, t->peer); break;
    case TASK_ALL_GATHER: done = copy_blocks(&e, t->send, 0, true, -1, block, true, -1); break;
    case TASK_ALL_TO_ALL: done = all_to_all(&e, block); break;
    case TASK_GATHER: done = copy_blocks(&e, t->send, 0, true, t->peer, block, root, -1); break;
    case TASK_SCATTER: done = copy_blocks(&e, t->send, block, root, -1, 0, true, t->peer); break;
    default: break;
    }
    free(e.parts);
    return done;
}

/* All sends and receives of a group at once; to itself a rank copies, the first send to the first receive. */
static bool messages(comm *c, const struct task *tasks, int count)
{
    struct part *parts = malloc(((size_t)count + 1) * sizeof *parts);
    int posted = 0, next = 0;
    for (int i = 0; i < count; i++) {
        const struct task *t = &tasks[i];
        size_t bytes = t->count * stub_type_size(t->type);
        if (t->kind < TASK_SEND || bytes == 0)
            continue;
        if (t->peer != c->rank) {
            bool sending = t->kind == TASK_SEND;
            parts[posted++] = (struct part){ .peer = t->peer, .sending = sending, .data = sending ? (char *)t->send : t->recv, .bytes = bytes };
        } else if (t->kind == TASK_SEND) {
            while (tasks[next].kind != TASK_RECV || tasks[next].peer != c->rank || tasks[next].count == 0)
                next++;
            memmove(tasks[next++].recv, t->send, bytes);
        }
    }
    bool done = posted == 0 || run(c, parts, posted, PLANE_MESSAGE, TASK_SEND, 0);
    free(parts);
    return done;
}

bool stub_execute(comm *c, const struct task *tasks, int count)
{
    for (int i = 0; i < count; i++) {
        if (tasks[i].kind < TASK_SEND && !collective(c, &tasks[i]))
            return false;
    }
    return messages(c, tasks, count);
}
