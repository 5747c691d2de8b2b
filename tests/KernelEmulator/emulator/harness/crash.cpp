#include <csignal>
#include <cstring>
#include <sys/time.h>
#include "../machine/machine.hpp"
#include "failure.hpp"

namespace emulator {

// Between two looks at whether steps are taken.
static const int SECONDS = 2;

static void crashed(int signal, siginfo_t *info, void *) { fail(Verdict::Crash, "%s at address %p", strsignal(signal), info->si_addr); }

static void looked(int)
{
    static u64 last = ~0ull;
    u64 steps = machine.all_steps + machine.steps;
    if (steps == last && machine.current)
        fail(Verdict::Deadlock, "no primitive was called for %d seconds: a loop without one", SECONDS);
    last = steps;
}

void catch_crashes()
{
    static char stack[256 * 1024];
    stack_t alternative = {};
    alternative.ss_sp = stack;
    alternative.ss_size = sizeof stack;
    sigaltstack(&alternative, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = crashed;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        sigaction(signal, &action, nullptr);
    struct sigaction look = {};
    look.sa_handler = looked;
    look.sa_flags = SA_ONSTACK | SA_RESTART;
    sigaction(SIGPROF, &look, nullptr);
    // Of the processor's time, so that a machine under load is no hang.
    itimerval every = {{SECONDS, 0}, {SECONDS, 0}};
    setitimer(ITIMER_PROF, &every, nullptr);
}

}  // namespace emulator
