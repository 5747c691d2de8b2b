// What the emulator itself allows: small programs whose outcomes are known. Every outcome of the list must be seen, and no other.
#include "device.cuh"
#include <cstdio>
#include <map>
#include <string>
#include "harness/run.hpp"

using namespace emulator;

static u32 *x, *y, *z;
static u64 *wide;
static Packet *packet;
static Pair *pair;
static u32 r[4];

static void reuse_slots(u32 rank, bool fences)
{
    u32 *mine = rank == 0 ? x : y, *other = rank == 0 ? y : x;
    for (u32 i = 1; i <= 8; i++) {
        if (rank == 0)
            store_relaxed(other, i);
        u32 got;
        while ((got = load_relaxed(mine)) == 0) {
        }
        store_relaxed(mine, 0);
        if (fences)
            fence_system();
        if (rank == 1)
            store_relaxed(other, i);
        else
            r[0] += got == i;
    }
}

struct Litmus {
    const char *name;
    u32 results;          // of r
    const char *ordered;  // what sequential consistency allows
    const char *weak;     // what the weak model allows beside that
    u32 ranks, grids, threads;
    void (*thread)(u32 rank, u32 grid, u32 thread);
    void (*last)() = nullptr;  // after everything
    bool dependent = false;    // grids are launched so that they may overlap
    u32 together = 0;
};

// Two values that a vector's reader saw as one digit each: 0 none, 1 the new one.
static const Litmus tests[] = {
    {"message-passing", 2, "00 01 11", "10", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(y, 1);
         } else {
             r[0] = load_relaxed(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, release and acquire", 2, "00 01 11", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, release alone", 2, "00 01 11", "10", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             r[0] = load_relaxed(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, acquire alone", 2, "00 01 11", "10", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(y, 1);
         } else {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"message-passing, fences", 2, "00 01 11", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             fence_system();
             store_relaxed(y, 1);
         } else {
             r[0] = load_relaxed(y);
             fence_system();
             r[1] = load_relaxed(x);
         }
     }},
    {"store-buffering", 2, "01 10 11", "00", 2, 1, 1,
     [](u32 rank, u32, u32) {
         store_relaxed(rank == 0 ? x : y, 1);
         r[rank] = load_relaxed(rank == 0 ? y : x);
     }},
    // fence.acq_rel is no fence.sc.
    {"store-buffering, fences", 2, "01 10 11", "00", 2, 1, 1,
     [](u32 rank, u32, u32) {
         store_relaxed(rank == 0 ? x : y, 1);
         fence_system();
         r[rank] = load_relaxed(rank == 0 ? y : x);
     }},
    // Allowed by PTX, and left out by the emulator.
    {"load-buffering", 2, "00 01 10", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         r[rank] = load_relaxed(rank == 0 ? x : y);
         store_relaxed(rank == 0 ? y : x, 1);
     }},
    {"independent reads of independent writes", 4, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111", "1010", 4, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank < 2)
             store_relaxed(rank == 0 ? x : y, 1);
         else {
             r[2 * rank - 4] = load_relaxed(rank == 2 ? x : y);
             r[2 * rank - 3] = load_relaxed(rank == 2 ? y : x);
         }
     }},
    // Every reader's loads are in order; the readers may still disagree.
    {"independent reads of independent writes, release and acquire", 4, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111", "1010", 4, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank < 2)
             store_release(rank == 0 ? x : y, 1);
         else {
             r[2 * rank - 4] = load_acquire(rank == 2 ? x : y);
             r[2 * rank - 3] = load_acquire(rank == 2 ? y : x);
         }
     }},
    {"coherence, two reads", 2, "00 01 11", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(x, 1);
         else {
             r[0] = load_relaxed(x);
             r[1] = load_relaxed(x);
         }
     }},
    {"coherence, two stores of one thread", 3, "002 012 022 112 122 222", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(x, 2);
         } else {
             r[0] = load_relaxed(x);
             r[1] = load_relaxed(x);
         }
     },
     [] { r[2] = *x; }},
    // Both readers agree on the order of two stores that race.
    {"coherence, two readers", 4, "0000 0001 0002 0011 0012 0021 0022 0100 0101 0102 0111 0112 0121 0122 0200 0201 0202 0211 0212 0221 0222 1100 1101 1102 1111 1112 1121 1122 1200 1201 1202 1211 "
                                  "1212 1222 2100 2101 2102 2111 2121 2122 2200 2201 2202 2211 2212 2221 2222",
     "", 4, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank < 2)
             store_relaxed(x, rank + 1);
         else {
             r[2 * rank - 4] = load_relaxed(x);
             r[2 * rank - 3] = load_relaxed(x);
         }
     }},
    {"coherence, what another has read", 3, "000 100 101 111", "", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(x, 1);
         else if (rank == 1) {
             r[1] = load_relaxed(x);
             store_release(y, 1);
         } else {
             r[0] = load_acquire(y);
             r[2] = load_relaxed(x);
         }
     },
     [] {
         // Without the flag nothing can be compared.
         if (!r[0])
             r[1] = r[2] = 0;
     }},
    {"two stores each, the other way round", 2, "12 21 22", "11", 2, 1, 1,
     [](u32 rank, u32, u32) {
         store_relaxed(rank == 0 ? x : y, 1);
         store_relaxed(rank == 0 ? y : x, 2);
     },
     [] { r[0] = *x, r[1] = *y; }},
    {"through a barrier, release", 2, "00 01 11", "", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 1)
                 store_relaxed(x, 1);
             block_barrier();
             if (thread == 0)
                 store_release(y, 1);
         } else if (thread == 0) {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"through a barrier, no release", 2, "00 01 11", "10", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 1)
                 store_relaxed(x, 1);
             block_barrier();
             if (thread == 0)
                 store_relaxed(y, 1);
         } else if (thread == 0) {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"no barrier, release", 2, "00 01 11 10", "", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 1)
                 store_relaxed(x, 1);
             else
                 store_release(y, 1);
         } else if (thread == 0) {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"through a barrier, acquire", 2, "00 01 11", "", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 0) {
                 store_relaxed(x, 1);
                 store_release(y, 1);
             }
         } else {
             if (thread == 0)
                 r[0] = load_acquire(y);
             block_barrier();
             if (thread == 1)
                 r[1] = load_relaxed(x);
         }
     }},
    // A barrier is no acquire: what another thread of the block has seen relaxed orders nothing.
    {"through a barrier, no acquire", 2, "00 01 11", "10", 2, 1, 2,
     [](u32 rank, u32, u32 thread) {
         if (rank == 0) {
             if (thread == 0) {
                 store_relaxed(x, 1);
                 store_release(y, 1);
             }
         } else {
             if (thread == 0)
                 r[0] = load_relaxed(y);
             block_barrier();
             if (thread == 1)
                 r[1] = load_relaxed(x);
         }
     }},
    {"through a third rank, release and acquire", 3, "000 001 010 011 101 111 100", "", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else if (rank == 1) {
             r[0] = load_acquire(y);
             store_release(z, 1);
         } else {
             r[1] = load_acquire(z);
             r[2] = load_relaxed(x);
         }
     }},
    {"through a third rank, its acquire left out", 3, "000 001 010 011 101 111 100", "110", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else if (rank == 1) {
             r[0] = load_relaxed(y);
             store_release(z, 1);
         } else {
             r[1] = load_acquire(z);
             r[2] = load_relaxed(x);
         }
     }},
    {"through an atomic of a third rank", 2, "00 01 11 21", "", 3, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else if (rank == 1)
             exchange_if_equal(y, 1, 2);
         else {
             r[0] = load_acquire(y);
             r[1] = load_relaxed(x);
         }
     }},
    {"poison against push, credit released", 1, "2", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             while (load_acquire(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    {"poison against push, credit not released", 1, "2", "1", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_relaxed(y, 1);
         } else {
             while (load_acquire(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    {"poison against push, credit not acquired", 1, "2", "1", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0) {
             store_relaxed(x, 1);
             store_release(y, 1);
         } else {
             while (load_relaxed(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    {"poison against push, a grid boundary on either side", 1, "2", "", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             store_relaxed(grid == 0 ? x : y, 1);
         else if (grid == 0)
             while (load_relaxed(y) == 0) {
             }
         else
             store_relaxed(x, 2);
     },
     [] { r[0] = *x; }},
    {"poison against push, a grid boundary on one side", 1, "2", "1", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0)
             store_relaxed(grid == 0 ? x : y, 1);
         else if (grid == 1) {
             while (load_relaxed(y) == 0) {
             }
             store_relaxed(x, 2);
         }
     },
     [] { r[0] = *x; }},
    // One slot in either direction, used eight times in one launch: what is pushed next comes behind the poison, because the credit (here the other slot's word) is released and acquired.
    {"a slot reused within a launch", 1, "8", "", 2, 1, 1, [](u32 rank, u32, u32) { reuse_slots(rank, true); }},
    {"grids that follow each other", 1, "1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0)
             store_relaxed(x, 1);
         else
             r[0] = load_relaxed(x);
     }},
    // Not sequentially consistent either: they run at once.
    {"grids that overlap", 1, "0 1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0) {
             let_next_grid_start();
             store_relaxed(x, 1);
         } else
             r[0] = load_relaxed(x);
     },
     nullptr, true},
    {"letting the next grid start is no release", 1, "1", "0", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0) {
             store_relaxed(x, 1);
             let_next_grid_start();
         } else
             r[0] = load_relaxed(x);
     },
     nullptr, true},
    {"waiting for the grid before", 1, "1", "", 1, 2, 1,
     [](u32, u32 grid, u32) {
         if (grid == 0) {
             let_next_grid_start();
             store_relaxed(x, 1);
         } else {
             wait_for_previous_grid();
             r[0] = load_relaxed(x);
         }
     },
     nullptr, true},
    {"a packet by 4 bytes", 4, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(packet, Packet{{1, 1, 1, 1}});
         else {
             Packet got = load_relaxed(packet);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 4},
    {"a packet by 8 bytes", 4, "0000 0011 1100 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(packet, Packet{{1, 1, 1, 1}});
         else {
             Packet got = load_relaxed(packet);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 8},
    {"a packet by 16 bytes", 4, "0000 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(packet, Packet{{1, 1, 1, 1}});
         else {
             Packet got = load_relaxed(packet);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 16},
    // Never by less than a word of its own.
    {"a pair", 4, "0000 0011 1100 1111", "", 2, 1, 1,
     [](u32 rank, u32, u32) {
         if (rank == 0)
             store_relaxed(pair, Pair{{0x100000001, 0x100000001}});
         else {
             Pair got = load_relaxed(pair);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 4},
    {"a pair where packets were", 4, "0000 0011 1100 1111", "", 2, 2, 1,
     [](u32 rank, u32 grid, u32) {
         if (rank == 0 && grid == 0)
             store_relaxed(packet, Packet{{0, 0, 0, 0}});
         else if (rank == 0)
             store_relaxed(pair, Pair{{0x100000001, 0x100000001}});
         else if (grid == 1) {
             Pair got = load_relaxed(pair);
             memcpy(r, got.word, sizeof got.word);
         }
     },
     nullptr, false, 4},
    {"two pairs that race", 4, "1111 1122 2211 2222", "", 2, 1, 1,
     [](u32 rank, u32, u32) { store_relaxed(pair, rank == 0 ? Pair{{0x100000001, 0x100000001}} : Pair{{0x200000002, 0x200000002}}); }, [] { memcpy(r, pair, sizeof(Pair)); }, false, 4},
    {"atomics act on the newest value", 3, "012 102", "", 1, 1, 2,
     [](u32, u32, u32 thread) { r[thread] = (u32)add_relaxed(wide, 1); }, [] { r[2] = (u32)*wide; }},
    {"one exchange wins", 3, "011 202", "", 2, 1, 1, [](u32 rank, u32, u32) { r[rank] = exchange_if_equal(x, 0, rank + 1); }, [] { r[2] = *x; }},
    {"shuffles of a warp", 1, "1", "", 1, 1, 64,
     [](u32, u32, u32 thread) {
         u32 sum = thread;
         for (u32 lanes = 16; lanes; lanes /= 2)
             sum += shuffle_xor(sum, lanes);
         if (thread % 32 == 0)
             r[0] = sum == 496 + thread * 32 && (thread == 0 || r[0]);
     }},
    {"block memory", 1, "1", "", 1, 1, 4,
     [](u32, u32, u32 thread) {
         store_block(thread, thread + 1);
         block_barrier();
         u32 other = load_block((thread + 1) % 4);
         block_barrier();
         store_block(thread, other);
         block_barrier();
         r[0] = load_block(2) == 4;
     }},
};

// These must end the program, by the exit code of their name.
static void break_it(const std::string &how, u32 thread)
{
    if (how == "a race in block memory") {
        store_block(0, thread);
        load_block(0);
    } else if (how == "a deadlock") {
        while (load_relaxed(x) == 0) {
        }
    } else if (how == "a barrier that one thread does not reach") {
        if (thread == 0)
            block_barrier();
    } else if (how == "a slot reused within a launch by hops alone") {
        if (thread == 0)
            reuse_slots(emulator::machine.current->rank, false);
    } else if (how == "a livelock") {
        for (;;)
            store_relaxed(x, 1);
    } else if (how == "a loop without a primitive") {
        for (volatile u32 i = 0;; i = i + 1) {
        }
    } else if (how == "a store behind the memory")
        store_relaxed(x + 1024, 1);
    else if (how == "a null pointer")
        *(volatile u32 *)nullptr = 1;
    else {
        fprintf(stderr, "no test of this name\n");
        _Exit((int)Verdict::Usage);
    }
}

static const Litmus *test;
static std::map<std::string, u64> *seen;

static void one_case(Case &of)
{
    u32 threads = test ? test->threads : 2;
    Setting setting = of.setting(test ? test->ranks : 2, 1, threads);
    setting.late_blocks = of.random.one_in(2);
    setting.overlap = test && test->dependent ? 2 : 1;
    if (test && test->together)
        setting.together = test->together;
    machine.reset(setting);
    x = (u32 *)heap.allocate("x", 4);
    y = (u32 *)heap.allocate("y", 4);
    z = (u32 *)heap.allocate("z", 4);
    wide = (u64 *)heap.allocate("wide", 8);
    packet = (Packet *)heap.allocate("packet", 16);
    pair = (Pair *)packet;
    *x = *y = *z = 0;
    *wide = 0;
    memset(packet, 0, sizeof *packet);
    memset(r, 0, sizeof r);
    for (u32 rank = 0; rank < setting.ranks; rank++)
        for (u32 grid = 0; grid < (test ? test->grids : 1); grid++) {
            Launch launch;
            launch.kernel = [rank, grid, &of] { test ? test->thread(rank, grid, thread_in_block()) : break_it(of.options.test, thread_in_block()); };
            launch.threads = threads;
            launch.block_words = 8;
            launch.dependent = test && test->dependent;
            launch.delay = of.random.one_in(4) ? of.random.magnitude(3) : 0;
            machine.enqueue(rank, std::move(launch));
            of.calls++;
        }
    machine.run();
    if (!test)
        return;
    if (test->last)
        test->last();
    std::string outcome;
    for (u32 i = 0; i < test->results; i++)
        outcome += (char)('0' + r[i]);
    ++(*seen)[outcome];
    if (of.options.trace)
        fprintf(stderr, "outcome %s\n", outcome.c_str());
    std::string allowed = std::string(" ") + test->ordered + " " + (of.options.model == Model::Weak ? test->weak : "") + " ";
    if (allowed.find(" " + outcome + " ") == std::string::npos)
        fail(Verdict::WrongData, "%s ended as %s; allowed are%s", test->name, outcome.c_str(), allowed.c_str());
}

static int run_one(const Options &options, const Litmus &one)
{
    std::map<std::string, u64> outcomes;
    test = &one;
    seen = &outcomes;
    Options named = options;
    named.test = one.name;
    run(named, one_case);
    printf("%s:", one.name);
    for (const auto &outcome : outcomes)
        printf(" %s %llu", outcome.first.c_str(), outcome.second);
    printf("\n");
    std::string all = std::string(one.ordered) + " " + (options.model == Model::Weak ? one.weak : "") + " ";
    int missing = 0;
    for (size_t at = 0; at < all.size();) {
        size_t end = all.find(' ', at);
        std::string outcome = all.substr(at, end - at);
        if (!outcome.empty() && !outcomes.count(outcome)) {
            printf("%s: outcome %s is allowed and was never seen\n", one.name, outcome.c_str());
            missing++;
        }
        at = end + 1;
    }
    return options.cases > 1 ? missing : 0;
}

int main(int argc, char **argv)
{
    Options options = parse(argc, argv);
    if (options.test == "list") {
        for (const Litmus &one : tests)
            printf("%s\n", one.name);
        return 0;
    }
    int wrong = 0;
    bool known = options.test.empty();
    for (const Litmus &one : tests)
        if (options.test.empty() || options.test == one.name) {
            known = true;
            wrong += run_one(options, one);
        }
    if (!known) {
        test = nullptr;
        run(options, one_case);
    }
    return wrong ? (int)Verdict::WrongData : 0;
}
