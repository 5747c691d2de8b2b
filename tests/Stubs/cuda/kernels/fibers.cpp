#include "fibers.h"

#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

// What a kernel needs is below 2 KiB; pages that nobody touched cost nothing.
static const size_t STACK_BYTES = 32 << 10;

static thread_local Grid *t_grid;

// Each stream's thread keeps its stacks.
struct Stacks {
    std::vector<void *> free;

    ~Stacks()
    {
        for (void *stack : free)
            munmap(stack, STACK_BYTES);
    }

    void *take()
    {
        if (!free.empty()) {
            void *stack = free.back();
            free.pop_back();
            return stack;
        }
        void *stack = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED) {
            fputs("stub libcuda: no memory for a kernel's thread\n", stderr);
            abort();
        }
        return stack;
    }
};
static thread_local Stacks t_stacks;

// Saves what a call preserves, changes the stack, and takes it up there: switch_stack(where to keep this one's pointer, the other one's).
extern "C" void stub_switch_stack(void **from, void *to);
#if defined(__x86_64__)
asm(R"(
    .text
    .globl stub_switch_stack
    .hidden stub_switch_stack
    .type stub_switch_stack, @function
stub_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size stub_switch_stack, .-stub_switch_stack
)");
static const int FRAME_WORDS = 7, RETURN_WORD = 6, SPARE_WORDS = 5; // 8 bytes off a multiple of 16, as behind a call
#elif defined(__aarch64__)
asm(R"(
    .text
    .globl stub_switch_stack
    .hidden stub_switch_stack
    .type stub_switch_stack, %function
stub_switch_stack:
    sub sp, sp, #160
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size stub_switch_stack, .-stub_switch_stack
)");
static const int FRAME_WORDS = 20, RETURN_WORD = 11, SPARE_WORDS = 4;
#else
#error "no fibers for this processor"
#endif

// Not inlined: a fiber never changes its thread, but the compiler need not know.
__attribute__((noinline)) Grid *current_grid() { return t_grid; }

void yield_fiber()
{
    Grid *grid = t_grid;
    stub_switch_stack(&grid->current->stack_pointer, grid->host_stack_pointer);
}

static void run_fiber()
{
    Grid *grid = t_grid;
    grid->kernel(grid->argument);
    Fiber *fiber = grid->current;
    fiber->done = true;
    grid->progress = true;
    fiber->block->left++;
    for (;;)
        yield_fiber();
}

static void release_block(Grid *grid, Block *block)
{
    block->result = block->any;
    block->any = false;
    block->waiting = 0;
    block->generation++;
    grid->progress = true;
}

bool await_block(bool value)
{
    Grid *grid = t_grid;
    Fiber *fiber = grid->current;
    Block *block = fiber->block;
    block->any |= value;
    fiber->generation = block->generation;
    fiber->at_barrier = true;
    if (++block->waiting + block->left == grid->threads)
        release_block(grid, block);
    while (block->generation == fiber->generation)
        yield_fiber();
    fiber->at_barrier = false;
    return block->result;
}

// By the whole warp, as on a GPU. Two places by turns: a lane that writes to one again has seen every lane at the shuffle between, whither it came when it had read what the place held.
unsigned shuffle_fibers(unsigned value, unsigned lanes)
{
    Grid *grid = t_grid;
    Fiber *fiber = grid->current, *warp = fiber - fiber->thread % 32;
    unsigned turn = fiber->shuffles++;
    fiber->shuffled[turn & 1] = value;
    grid->progress = true;
    for (unsigned lane = 0; lane < 32; lane++)
        while (warp[lane].shuffles <= turn && !warp[lane].done)
            yield_fiber();
    return warp[(fiber->thread ^ lanes) % 32].shuffled[turn & 1];
}

static void *first_frame(void *stack)
{
    uint64_t *frame = (uint64_t *)((char *)stack + STACK_BYTES) - SPARE_WORDS - FRAME_WORDS;
    memset(frame, 0, FRAME_WORDS * sizeof *frame);
    frame[RETURN_WORD] = (uint64_t)(uintptr_t)run_fiber;
    return frame;
}

void run_grid(unsigned blocks, unsigned threads, unsigned shared_bytes, unsigned cluster, void (*kernel)(const void *), const void *argument)
{
    size_t count = (size_t)blocks * threads, words = (shared_bytes + 3) / 4 + 1;
    std::vector<Fiber> fibers(count);
    std::vector<Block> all(blocks);
    std::vector<unsigned> shared(words * blocks);
    Grid grid = { blocks, threads, cluster == 0 ? 1 : cluster, fibers.data(), all.data(), nullptr, nullptr, kernel, argument, false };
    for (unsigned b = 0; b < blocks; b++) {
        all[b] = Block();
        all[b].index = b;
        all[b].words = &shared[words * b];
    }
    for (size_t i = 0; i < count; i++) {
        fibers[i] = Fiber();
        fibers[i].block = &all[i / threads];
        fibers[i].thread = (unsigned)(i % threads);
        fibers[i].stack = t_stacks.take();
        fibers[i].stack_pointer = first_frame(fibers[i].stack);
    }
    t_grid = &grid;
    for (size_t running = count, idle = 0; running > 0;) {
        grid.progress = false;
        for (size_t i = 0; i < count; i++) {
            Fiber *fiber = &fibers[i];
            if (fiber->done || (fiber->at_barrier && fiber->block->generation == fiber->generation))
                continue;
            grid.current = fiber;
            stub_switch_stack(&grid.host_stack_pointer, fiber->stack_pointer);
            if (!fiber->done)
                continue;
            running--;
            t_stacks.free.push_back(fiber->stack);
            // Others of the block may have waited for this one alone.
            Block *block = fiber->block;
            if (block->waiting > 0 && block->waiting + block->left == threads)
                release_block(&grid, block);
        }
        idle = grid.progress ? 0 : idle + 1;
        if (idle > 0)
            sched_yield();
    }
    t_grid = nullptr;
}
