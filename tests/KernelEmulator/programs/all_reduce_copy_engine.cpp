#define KERNEL one_shot_step
#include "all_reduce_one_shot.cu"
#undef KERNEL
#define KERNEL registered_step
#include "all_reduce_registered.cu"
#undef KERNEL
#define KERNEL copy_engine_step
#include "all_reduce_copy_engine.cu"
#include "harness/registered.hpp"

using namespace emulator;

// What the host does, PeerCommunicator.CopyEngine.cs: the emulator has one stream for each rank, so a rank here is three of its ranks. An event is a word that a grid of one thread stores with release, and another one
// awaits with acquire. A copy is a grid too. Its stores come after whatever came before it on its stream, as those of a copy engine do, which the device gives nothing before that is done everywhere; in no order among each other.
// A mutation of the order of operations defines one of these.
#ifndef REDUCE_BEFORE_CONTRIBUTIONS
#define REDUCE_BEFORE_CONTRIBUTIONS 0
#endif
#ifndef FINISH_BEFORE_RESULTS
#define FINISH_BEFORE_RESULTS 0
#endif
#ifndef RESULTS_BEFORE_REDUCE
#define RESULTS_BEFORE_REDUCE 0
#endif
#ifndef CONTRIBUTIONS_BEFORE_BEGUN
#define CONTRIBUTIONS_BEFORE_BEGUN 0
#endif

enum Stream { MAIN, CONTRIBUTIONS, RESULTS, STREAMS };

struct AllReduces : RegisteredCalls {
    enum Event { BEGUN, COPIED, CONTRIBUTED, REDUCED = CONTRIBUTED + MOST_PIECES, EVENTS = REDUCED + MOST_PIECES };

    u64 *events[MAX_RANKS];

    AllReduces(Case &of, u64 cells, u64 half_bytes, u32 blocks, u32 threads) : RegisteredCalls(of, {COPY_ENGINE, COPY_ENGINE, COPY_ENGINE, COPY_ENGINE, REGISTERED, ONE_SHOT}, STREAMS, cells, half_bytes, blocks, threads)
    {
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            events[rank] = (u64 *)heap.allocate("events of rank " + std::to_string(rank), EVENTS * sizeof(u64));
            memset(events[rank], 0, EVENTS * sizeof(u64));
        }
    }

    void record(Stream stream, u32 rank, u32 event, u32 number)
    {
        u64 *word = events[rank] + event;
        launch(stream, rank, 1, 1, [word, number] { store_release(word, (u64)number + 1); });
    }

    void wait_for(Stream stream, u32 rank, u32 event, u32 number)
    {
        u64 *word = events[rank] + event;
        launch(stream, rank, 1, 1, [word, number] {
            while (load_acquire(word) < number + 1)
                ;
        });
    }

    void copy(Stream stream, u32 rank, u32 threads, u8 *to, const u8 *from, u64 bytes)
    {
        if (bytes == 0)
            return;
        launch(stream, rank, 1, threads, [to, from, bytes] {
            fence_system();
            for (u64 i = 4 * thread_in_block(); i < bytes; i += 4 * threads_in_block()) {
                // The last word may be half another's.
                u32 word;
                memcpy(&word, to + i, 4);
                memcpy(&word, from + i, i + 4 <= bytes ? 4 : bytes - i);
                store_relaxed((u32 *)(to + i), word);
            }
        });
    }

    // In the message: of a rank's part, the piece.
    void range(const Call &call, u32 rank, u32 piece, u64 &begin, u64 &end) const
    {
        u64 bytes = call.count * format.bytes, part = part_of(bytes), start = rank * part;
        begin = start + part / UNIT * piece / call.pieces * UNIT;
        end = start + part / UNIT * (piece + 1) / call.pieces * UNIT;
        begin = begin < bytes ? begin : bytes;
        end = end < bytes ? end : bytes;
    }

    void enqueue_by_copy_engine(u32 rank, u32 number) override
    {
        const Call &call = calls[number];
        const u32 cell = ELEMENT::IN_CELL * format.bytes;
        u64 part = part_of(call.count * format.bytes);
        u8 *output = output_of(rank, number);
        const u8 *input = input_of(rank, number);
        CopyEngine arguments = {};
        arguments.view = arena.view[rank];
        arguments.input = input;
        arguments.output = output;
        arguments.slots = registered[call.buffer][rank] + capacity;
        arguments.slot_bytes = slot_bytes;
        arguments.claim = claim_of(rank, number);
        arguments.part = part / cell;

        begin(rank, number);
        record(MAIN, rank, BEGUN, number);
        if (!CONTRIBUTIONS_BEFORE_BEGUN)
            wait_for(CONTRIBUTIONS, rank, BEGUN, number);
        for (u32 piece = 0; piece < call.pieces; piece++) {
            for (u32 hop = 1; hop < WORLD_SIZE; hop++) {
                u32 peer = (rank + hop) % WORLD_SIZE;
                u64 begin, end;
                range(call, peer, piece, begin, end);
                u8 *slot = registered[call.buffer][peer] + capacity + (rank + WORLD_SIZE - peer - 1) % WORLD_SIZE * slot_bytes;
                copy(CONTRIBUTIONS, rank, call.copying, slot + (begin - peer * part), input + begin, end - begin);
            }
            record(CONTRIBUTIONS, rank, CONTRIBUTED + piece, number);
        }
        for (u32 piece = 0; piece < call.pieces; piece++) {
            if (!REDUCE_BEFORE_CONTRIBUTIONS)
                wait_for(MAIN, rank, CONTRIBUTED + piece, number);
            u64 begin, end;
            range(call, rank, piece, begin, end);
            arguments.step = REDUCE;
            arguments.piece = piece;
            arguments.begin = begin == end ? 0 : (begin - rank * part) / cell;
            arguments.end = begin == end ? 0 : (end - rank * part + cell - 1) / cell;
            launch(MAIN, rank, call.blocks, call.threads, [arguments] { copy_engine_step(arguments); });
            if (begin == end)
                continue;
            record(MAIN, rank, REDUCED + piece, number);
            if (!RESULTS_BEFORE_REDUCE)
                wait_for(RESULTS, rank, REDUCED + piece, number);
            for (u32 hop = 1; hop < WORLD_SIZE; hop++) {
                u32 peer = (rank + hop) % WORLD_SIZE;
                copy(RESULTS, rank, call.copying, output_of(peer, number) + begin, output + begin, end - begin);
            }
        }
        record(RESULTS, rank, COPIED, number);
        if (!FINISH_BEFORE_RESULTS)
            wait_for(MAIN, rank, COPIED, number);
        arguments.step = FINISH;
        launch(MAIN, rank, 1, call.threads, [arguments] { copy_engine_step(arguments); }, [this, rank, number] { begin_finish(rank, number); }, [this, rank, number] { look(rank, number, false); });
    }
};

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 2 : 4);
    Setting setting = of.setting(STREAMS * WORLD_SIZE, blocks, threads);
    setting.overlap = 2;
    machine.reset(setting);
    u64 cells = 1 + of.random.below(WORLD_SIZE > 4 ? 20 : 6 * WORLD_SIZE), ring = RING * blocks * threads;
    AllReduces(of, cells, WORLD_SIZE * (cells > ring ? cells : ring) * sizeof(ELEMENT::Cell), blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
