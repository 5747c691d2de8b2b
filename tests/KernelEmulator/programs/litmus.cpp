// What the emulator itself allows: small programs whose outcomes are known. Every outcome of the list must be seen, and no other.
#include "device.cuh"
#include <cstdio>
#include <map>
#include <string>
#include "harness/run.hpp"
#include "litmus_tests.hpp"

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
            SlotReused<Order::Relaxed>::run(words(), emulator::machine.current->rank, 0, 0, r);
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
    setting.bounds_fence = !test || test->bounds_fence;
    if (test && test->together)
        setting.together = test->together;
    machine.reset(setting);
    x = (u64 *)heap.allocate("x", 8);
    y = (u64 *)heap.allocate("y", 8);
    z = (u64 *)heap.allocate("z", 8);
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
