/* Stream memory operations: writes to and waits for a word. */
#include "../stub.h"

#include <sched.h>
#include <string.h>
#include <time.h>

enum { OP_WAIT_32 = 1, OP_WRITE_32 = 2, OP_FLUSH = 3, OP_WAIT_64 = 4, OP_WRITE_64 = 5, OP_BARRIER = 6, MAX_OPS = 256 };
struct mem_op { int operation; CUdeviceptr address; uint64_t value; unsigned flags; CUdeviceptr alias; uint64_t pad; };
_Static_assert(sizeof(struct mem_op) == 48, "CUstreamBatchMemOpParams");

struct batch_op { op base; unsigned count; struct mem_op ops[]; };

static bool reached(const struct mem_op *m)
{
    bool wide = m->operation == OP_WAIT_64;
    uint64_t seen = wide ? atomic_load((_Atomic uint64_t *)m->address) : atomic_load((_Atomic uint32_t *)m->address);
    switch (m->flags & 3) {
    case 0: return wide ? (int64_t)(seen - m->value) >= 0 : (int32_t)((uint32_t)seen - (uint32_t)m->value) >= 0;
    case 1: return wide ? seen == m->value : (uint32_t)seen == (uint32_t)m->value;
    case 2: return (seen & m->value) != 0;
    default: return wide ? ~(seen | m->value) != 0 : (uint32_t)~(seen | m->value) != 0;
    }
}

static CUresult run_batch(op *self)
{
    struct batch_op *b = (struct batch_op *)self;
    for (unsigned i = 0; i < b->count; i++) {
        const struct mem_op *m = &b->ops[i];
        size_t bytes = m->operation == OP_WAIT_64 || m->operation == OP_WRITE_64 ? 8 : 4;
        if (m->operation == OP_FLUSH || m->operation == OP_BARRIER)
            continue;
        if (!stub_known(m->address, bytes))
            return CUDA_ERROR_ILLEGAL_ADDRESS;
        if (m->operation == OP_WRITE_32)
            atomic_store((_Atomic uint32_t *)m->address, (uint32_t)m->value);
        else if (m->operation == OP_WRITE_64)
            atomic_store((_Atomic uint64_t *)m->address, m->value);
        else
            for (unsigned polls = 0; !reached(m); polls++) {
                if (polls < 64)
                    sched_yield();
                else
                    nanosleep(&(struct timespec){ 0, 50000 }, NULL);
            }
    }
    return CUDA_SUCCESS;
}

static CUresult batch(context *ctx, void *handle, const struct mem_op *ops, unsigned count)
{
    stream *s;
    TRY(stub_stream(handle, ctx, &s));
    NEED(ops != NULL && count > 0 && count <= MAX_OPS, CUDA_ERROR_INVALID_VALUE);
    for (unsigned i = 0; i < count; i++) {
        size_t bytes = ops[i].operation == OP_WAIT_64 || ops[i].operation == OP_WRITE_64 ? 8 : 4;
        NEED(ops[i].operation >= OP_WAIT_32 && ops[i].operation <= OP_BARRIER, CUDA_ERROR_INVALID_VALUE);
        NEED(ops[i].operation == OP_FLUSH || ops[i].operation == OP_BARRIER || (ops[i].address % bytes == 0 && stub_known(ops[i].address, bytes)),
             CUDA_ERROR_INVALID_VALUE);
    }
    struct batch_op *b = (struct batch_op *)stub_op(sizeof *b + count * sizeof *ops, NODE_MEMOP, ctx, run_batch, NULL);
    b->count = count;
    memcpy(b->ops, ops, count * sizeof *ops);
    return stub_submit(s, &b->base);
}

API CUresult cuStreamBatchMemOp_v2(void *handle, unsigned count, const struct mem_op *ops, unsigned flags)
{
    ENTER_CONTEXT(ctx);
    NEED(flags == 0, CUDA_ERROR_INVALID_VALUE);
    return batch(ctx, handle, ops, count);
}

#define MEM_OP(name, type, operation) \
    API CUresult name(void *handle, CUdeviceptr address, type value, unsigned flags) \
    { \
        ENTER_CONTEXT(ctx); \
        return batch(ctx, handle, &(struct mem_op){ operation, address, value, flags, 0, 0 }, 1); \
    }

MEM_OP(cuStreamWriteValue32_v2, uint32_t, OP_WRITE_32)
MEM_OP(cuStreamWriteValue64_v2, uint64_t, OP_WRITE_64)
MEM_OP(cuStreamWaitValue32_v2, uint32_t, OP_WAIT_32)
MEM_OP(cuStreamWaitValue64_v2, uint64_t, OP_WAIT_64)
