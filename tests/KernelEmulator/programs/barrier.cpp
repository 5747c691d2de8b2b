#define KERNEL exchange_parts
#include "exchange.cu"
#undef KERNEL
#define KERNEL barrier
#include "barrier.cu"
#include "harness/sequence.hpp"

using namespace emulator;

static const u32 WORDS = 6;  // that each rank stores into each other one's memory

// Barriers between kernels of the caller that store into every rank's memory and load out of it, and exchanges of a few bytes among them. In front of every other barrier all ranks store what its number says; in front of the one behind
// it, each rank loads what is there. So the first of two shows that stores are seen, the second one that loads are not late for those of the next round. In half of the cases the bounds of grids order nothing for peers: then there are
// no exchanges, whose halves rely on that.
struct Barriers {
    struct Call {
        bool is_barrier;
        u32 number;  // of the barriers
        u32 blocks, threads;
    };

    Case &of;
    std::vector<Call> calls;
    Sequence sequence;
    u32 *memory[MAX_RANKS];             // WORDS of each rank
    std::vector<u32> seen[MAX_RANKS];   // of every rank's memory, in rank order
    u8 *data[MAX_RANKS];                // of exchanges: sent to everybody, and behind it what has come

    Barriers(Case &of, u32 blocks, u32 threads) : of(of), calls(2 + of.random.below(7)), sequence(of, WORLD_SIZE, (u32)calls.size(), WORLD_SIZE * sizeof(Pair))
    {
        Random &random = of.random;
        u32 barriers = 0;
        description = std::to_string(WORLD_SIZE) + " ranks" + sequence.text() + (machine.setting.bounds_fence ? "" : ", bounds of grids are no fences for peers") + "; calls:";
        for (Call &call : calls) {
            bool is_barrier = !machine.setting.bounds_fence || !random.one_in(4);
            call = {is_barrier, barriers, is_barrier ? 1 : 1 + random.below(blocks), 1 + random.below(threads)};
            barriers += is_barrier;
            description += std::string(is_barrier ? " barrier" : " exchange") + " by " + std::to_string(call.blocks) + "x" + std::to_string(call.threads) + ";";
        }
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            memory[rank] = (u32 *)heap.allocate("memory of rank " + std::to_string(rank), WORLD_SIZE * WORDS * sizeof(u32));
            memset(memory[rank], 0, WORLD_SIZE * WORDS * sizeof(u32));
            seen[rank].resize(WORLD_SIZE * WORLD_SIZE * WORDS);
            data[rank] = (u8 *)heap.allocate("data of rank " + std::to_string(rank), (1 + WORLD_SIZE) * CELL_BYTES);
        }
    }

    static u32 value(u32 number, u32 from, u32 word) { return 1 + (number * WORLD_SIZE + from) * WORDS + word; }

    void enqueue(u32 rank, u32 blocks, u32 threads, std::function<void()> kernel, std::function<void()> after = {})
    {
        Launch launch;
        launch.kernel = std::move(kernel);
        launch.blocks = blocks;
        launch.threads = threads;
        launch.after = std::move(after);
        machine.enqueue(rank, std::move(launch));
    }

    // By several threads: other ones than those of the barrier.
    void store(u32 rank, u32 number)
    {
        enqueue(rank, 2, 2, [this, rank, number] {
            for (u32 i = block_in_grid() * threads_in_block() + thread_in_block(); i < WORLD_SIZE * WORDS; i += blocks_in_grid() * threads_in_block())
                store_relaxed(memory[i / WORDS] + rank * WORDS + i % WORDS, value(number, rank, i % WORDS));
        });
    }

    void load(u32 rank, u32 number)
    {
        enqueue(rank, 1, 2, [this, rank] {
            for (u32 i = thread_in_block(); i < seen[rank].size(); i += threads_in_block())
                seen[rank][i] = load_relaxed(memory[i / (WORLD_SIZE * WORDS)] + i % (WORLD_SIZE * WORDS));
        }, [this, rank, number] {
            // The stream of a rank that has left goes on, and stores what the others are not to see yet.
            for (u32 other = 0; other < WORLD_SIZE; other++)
                if (sequence.has_left(other))
                    return;
            for (u32 i = 0; i < seen[rank].size(); i++) {
                u32 right = value(number, i / WORDS % WORLD_SIZE, i % WORDS);
                if (seen[rank][i] != right)
                    fail(Verdict::WrongData, "behind barrier %u rank %u sees %u in rank %u's memory, where rank %u stored %u before", number, rank, seen[rank][i], i / (WORLD_SIZE * WORDS), i / WORDS % WORLD_SIZE, right);
            }
        });
    }

    Launch exchange(u32 rank, u32 call)
    {
        Exchange arguments = {};
        arguments.view = sequence.view(rank);
        arguments.input = data[rank];
        arguments.output = data[rank] + CELL_BYTES;
        arguments.slot_cells = 1;
        for (u32 peer = 0; peer < WORLD_SIZE; peer++) {
            arguments.send_bytes[peer] = arguments.receive_bytes[peer] = CELL_BYTES;
            arguments.receive_offset[peer] = peer * CELL_BYTES;
        }
        Launch launch;
        launch.kernel = [arguments] { exchange_parts(arguments); };
        launch.before = [this, rank, call] { memset(data[rank], 1 + call * WORLD_SIZE + rank, CELL_BYTES); };
        launch.after = [this, rank, call] {
            for (u32 i = 0; i < WORLD_SIZE * CELL_BYTES && !sequence.has_left(rank); i++)
                if (data[rank][CELL_BYTES + i] != (u8)(1 + call * WORLD_SIZE + i / CELL_BYTES))
                    fail(Verdict::WrongData, "rank %u, call %u, has %u of rank %u", rank, call, data[rank][CELL_BYTES + i], i / CELL_BYTES);
        };
        return launch;
    }

    void run()
    {
        sequence.run([this](u32 rank, u32 number) {
            const Call &call = calls[number];
            Launch launch;
            if (!call.is_barrier)
                launch = exchange(rank, number);
            else {
                if (call.number % 2 == 0)
                    store(rank, call.number);
                else
                    load(rank, call.number - 1);
                View view = sequence.view(rank);
                launch.kernel = [view] { barrier(view); };
                launch.before = launch.after = [] {};
            }
            launch.blocks = call.blocks;
            launch.threads = call.threads;
            launch.dependent = of.random.one_in(2);
            return launch;
        });
    }
};

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE);
    Setting setting = of.setting(WORLD_SIZE, blocks < 2 ? 2 : blocks, threads < 2 ? 2 : threads);
    setting.overlap = 2;
    setting.bounds_fence = of.random.one_in(2);
    machine.reset(setting);
    Barriers(of, blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
