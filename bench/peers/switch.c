// What it costs to hand a core over: two processes on one core take turns, by sched_yield or by futex.
// usage: switch yield|futex   prints microseconds a hand-over: the median of 50 blocks
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 50, TURNS = 400 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

// The word counts the turns: even ones are the parent's.
static void take_turn(int *word, int me, int by_futex) {
    int turn;
    while (((turn = __atomic_load_n(word, __ATOMIC_ACQUIRE)) & 1) != me) {
        if (by_futex)
            syscall(SYS_futex, word, FUTEX_WAIT, turn, NULL, NULL, 0);
        else
            sched_yield();
    }
    __atomic_store_n(word, turn + 1, __ATOMIC_RELEASE);
    if (by_futex)
        syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int main(int argc, char **argv) {
    int by_futex = argc == 2 && !strcmp(argv[1], "futex");
    if (argc != 2 || (!by_futex && strcmp(argv[1], "yield")))
        return 2;
    int core = sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core < 0 ? 0 : core, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        return 1;
    int *word = mmap(NULL, sizeof *word, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (word == MAP_FAILED)
        return 1;
    pid_t child = fork();
    if (child < 0)
        return 1;
    double took[BLOCKS];
    for (int block = 0; block < BLOCKS; block++) {
        double start = now();
        for (int i = 0; i < TURNS; i++)
            take_turn(word, child == 0, by_futex);
        took[block] = (now() - start) / TURNS / 2;
    }
    if (child == 0)
        _exit(0);
    wait(NULL);
    qsort(took, BLOCKS, sizeof *took, ascending);
    printf("%.2f\n", took[BLOCKS / 2]);
    return 0;
}
