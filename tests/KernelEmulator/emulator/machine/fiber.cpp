#include "fiber.hpp"
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

namespace emulator {

#if defined(__x86_64__)
// What the System V ABI keeps over a call: rbx, rbp, r12 to r15.
asm(R"(
.text
.globl emulator_switch
.type emulator_switch, @function
emulator_switch:
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
.size emulator_switch, .-emulator_switch
)");
const int SAVED = 6, ENTRY = 6, FRAME = 8;  // words: registers, the entry, where the entry would return to
#elif defined(__aarch64__)
// What AAPCS64 keeps over a call: x19 to x30, d8 to d15.
asm(R"(
.text
.globl emulator_switch
.type emulator_switch, %function
emulator_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
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
    ldp x19, x20, [sp, #0]
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
.size emulator_switch, .-emulator_switch
)");
const int SAVED = 20, ENTRY = 11, FRAME = 20;
#else
#error "The emulator's fibers are written for x86-64 and arm64."
#endif

static const size_t STACK = 256 * 1024, GUARD = 16 * 1024;

void Fiber::prepare(void (*entry)())
{
    if (!stack) {
        stack = (char *)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED || mprotect(stack, GUARD, PROT_NONE) != 0) {
            perror("the stack of a fiber");
            exit(4);
        }
    }
    void **frame = (void **)(stack + STACK) - FRAME;
    for (int i = 0; i < FRAME; i++)
        frame[i] = nullptr;
    frame[ENTRY] = (void *)entry;
    stack_pointer = frame;
    static_assert(SAVED <= FRAME, "");
}

}  // namespace emulator
