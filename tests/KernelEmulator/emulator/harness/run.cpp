#include "run.hpp"
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include "../memory/late_load.hpp"
#include "trace.hpp"

namespace emulator {

std::string description;

static const Options *running = nullptr;
static u64 running_seed = 0;

static void usage(const char *program, const char *argument)
{
    fprintf(stderr,
            "%s cannot read %s. It takes:\n"
            "--seed S --cases N --seconds T --model sc|weak --strategy any|random|starve-rank|starve-block|greedy-rank|few-switches --together 4|8|16 --test NAME --trace\n"
            "Exit codes: 0 all cases passed, 1 wrong data, 2 deadlock, 3 crash, 4 a command line that cannot be read\n",
            program, argument);
    exit((int)Verdict::Usage);
}

Options parse(int argc, char **argv)
{
    Options options;
    options.program = argv[0];
    for (int i = 1; i < argc; i++) {
        std::string name = argv[i];
        if (name == "--trace") {
            options.trace = true;
            continue;
        }
        if (i + 1 == argc)
            usage(argv[0], argv[i]);
        std::string value = argv[++i];
        char *end = nullptr;
        u64 number = strtoull(value.c_str(), &end, 10);
        bool is_number = !value.empty() && *end == 0;
        if (name == "--seed" && is_number)
            options.seed = number;
        else if (name == "--cases" && is_number)
            options.cases = number;
        else if (name == "--seconds" && strtod(value.c_str(), &end) > 0 && *end == 0)
            options.seconds = strtod(value.c_str(), nullptr);
        else if (name == "--together" && (value == "4" || value == "8" || value == "16"))
            options.together = (u32)number;
        else if (name == "--model" && (value == "sc" || value == "weak"))
            options.model = value == "sc" ? Model::Sequential : Model::Weak;
        else if (name == "--test")
            options.test = value;
        else if (name == "--strategy") {
            u32 strategy = 0;
            while (strategy <= (u32)Strategy::Any && value != name_of((Strategy)strategy))
                strategy++;
            if (strategy > (u32)Strategy::Any)
                usage(argv[0], argv[i]);
            options.strategy = (Strategy)strategy;
        } else
            usage(argv[0], argv[i - 1]);
    }
    return options;
}

std::string Options::command(u64 of) const
{
    std::string text = std::string(program) + " --seed " + std::to_string(of) + " --cases 1 --model " + (model == Model::Weak ? "weak" : "sc") + " --strategy " + name_of(strategy);
    if (together)
        text += " --together " + std::to_string(together);
    if (!test.empty())
        text += " --test '" + test + "'";
    return text;
}

Setting Case::setting(u32 ranks, u32 blocks, u32 threads)
{
    Setting setting;
    setting.model = options.model;
    setting.strategy = options.strategy;
    setting.seed = random.next();
    setting.ranks = ranks;
    setting.blocks = blocks;
    setting.threads = threads;
    static const u32 togethers[] = {16, 4, 8, 4};
    u32 together = togethers[random.below(4)];
    setting.together = options.together ? options.together : together;
    return setting;
}

void fail(Verdict verdict, const char *format, ...)
{
    if (late_load.is_unproven())
        machine.give_up();
    static bool failing = false;
    if (failing)
        _Exit((int)Verdict::Crash);
    failing = true;
    static const char *const names[] = {"", "WRONG DATA", "DEADLOCK", "CRASH"};
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", names[(int)verdict], text);
    if (running)
        fprintf(stderr, "Reproduce: %s\n(with --trace: every step)\nCase: %s; %s\n", running->command(running_seed).c_str(), machine.describe().c_str(), description.c_str());
    if (machine.current)
        fprintf(stderr, "By %s\n", machine.position(*machine.current).c_str());
    fprintf(stderr, "Where the threads are, after %llu steps:\n%s", machine.steps, machine.positions().c_str());
    if (!running || !running->trace) {
        fprintf(stderr, "The last steps:\n");
        trace.print(40);
    }
    fflush(stderr);
    _Exit((int)verdict);
}

int run(const Options &options, void (*body)(Case &))
{
    catch_crashes();
    running = &options;
    trace.all = options.trace;
    auto start = std::chrono::steady_clock::now();
    auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    u64 cases = 0, calls = 0, late = late_load.shown(), before = machine.all_steps + machine.steps;
    while (cases < options.cases && (options.seconds == 0 || seconds() < options.seconds)) {
        running_seed = options.seed + cases;
        late_load.begin_case(running_seed, options.model == Model::Weak);
        bool given_up;
        do {
            Case each{running_seed, Random{running_seed * 0x9E3779B97F4A7C15 + 1}, options};
            description.clear();
            heap.reset();
            trace.reset();
            given_up = false;
            try {
                body(each);
            } catch (const GivenUp &) {
                given_up = true;
            }
            calls += each.calls;
        } while (late_load.again(given_up));
        cases++;
    }
    u64 steps = machine.all_steps + machine.steps - before;
    printf("%llu cases, %llu with a late load, %llu calls, %llu steps, %.2f s, %.1f million steps a second\n", cases, late_load.shown() - late, calls, steps, seconds(), (double)steps / seconds() / 1e6);
    return (int)Verdict::Passed;
}

}  // namespace emulator
