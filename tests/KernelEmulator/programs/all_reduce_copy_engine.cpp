#define KERNEL one_shot_step
#include "all_reduce_one_shot.cu"
#undef KERNEL
#define KERNEL copy_engine_step
#include "all_reduce_copy_engine.cu"
#include "harness/arena.hpp"
#include "harness/reference.hpp"

using namespace emulator;

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

// What the host does, PeerCommunicator.CopyEngine.cs: the emulator has one stream for each rank, so a rank here is three of its ranks. An event is a word that a grid of one thread stores with release, and another one
// awaits with acquire. A copy is a grid too. Its stores come after whatever came before it on its stream, as those of a copy engine do, which the device gives nothing before that is done everywhere; in no order among each other.
// A mutation of the order of operations defines one of these.
#ifndef TELL_BEFORE_COPY
#define TELL_BEFORE_COPY 0
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

static const u8 UNTOUCHED = 0x5C;
static const u64 PATIENCE = 1'000'000;
static const u32 UNIT = 16, MOST_PIECES = 3, BUFFERS = 2;

enum Stream { MAIN, CONTRIBUTIONS, RESULTS, STREAMS };
enum Event { BEGUN, COPIED, TOLD, REDUCED = TOLD + MOST_PIECES, EVENTS = REDUCED + MOST_PIECES };

struct Call {
    bool by_kernel;  // the one-shot: calls of other routes come between
    bool checks;     // by a grid that loads the output; else its memory is looked at
    bool in_place;
    u64 count, offset;  // elements; of the output, bytes
    u32 buffer, pieces, blocks, threads, copying;
    std::vector<u8> data[MAX_RANKS];
    std::vector<u64> expected;
};

struct AllReduces {
    // ABORT: the group's word is set. STOPS: a rank begins no more calls. DISAGREES: a rank means another place.
    enum Trouble { NONE, ABORT, STOPS, DISAGREES };

    Case &of;
    const Format &format = format_of(TEXT(ELEMENT));
    Arena arena;
    u64 largest, capacity, slot_bytes;
    std::vector<Call> calls;
    u8 *input[MAX_RANKS], *registered[BUFFERS][MAX_RANKS];
    u64 *events[MAX_RANKS];
    std::vector<u8> seen[MAX_RANKS];
    Trouble trouble = NONE;
    u32 victim = 0, from = 0;

    AllReduces(Case &of, u64 cells, u32 blocks, u32 threads) : of(of), arena(WORLD_SIZE, WORLD_SIZE * cells * sizeof(ELEMENT::Cell)), largest(cells * ELEMENT::IN_CELL)
    {
        Random &random = of.random;
        capacity = (largest * format.bytes + 2 * UNIT) / UNIT * UNIT;
        slot_bytes = part_of(capacity) + UNIT * random.below(2);
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            std::string name = " of rank " + std::to_string(rank);
            input[rank] = (u8 *)heap.allocate("input" + name, largest * format.bytes, random.one_in(2) ? 0 : random.below(16 / format.bytes) * format.bytes);
            for (u32 buffer = 0; buffer < BUFFERS; buffer++) {
                registered[buffer][rank] = (u8 *)heap.allocate("buffer " + std::to_string(buffer) + name, capacity + (WORLD_SIZE - 1) * slot_bytes);
                memset(registered[buffer][rank], UNTOUCHED, capacity + (WORLD_SIZE - 1) * slot_bytes);
            }
            events[rank] = (u64 *)heap.allocate("events" + name, EVENTS * sizeof(u64));
            memset(events[rank], 0, EVENTS * sizeof(u64));
            seen[rank].resize(capacity);
        }
        calls.resize(2 + random.below(5));
        for (Call &call : calls)
            make(call, blocks, threads);
        u32 kind = random.below(10);
        trouble = kind <= DISAGREES ? (Trouble)kind : NONE;
        victim = random.below(WORLD_SIZE);
        from = random.below((u32)calls.size());
        if (trouble == DISAGREES && calls[from].by_kernel)
            trouble = NONE;
        for (u32 rank = 0; rank < WORLD_SIZE && trouble == STOPS; rank++)
            arena.view[rank].patience = PATIENCE;
        // Where somebody must leave time goes on; elsewhere a wait without an end is an error.
        machine.patience = trouble == NONE ? 0 : PATIENCE + 1;
        static const char *const troubles[] = {"", ", aborted", ", a rank stops", ", a rank means another place"};
        description = std::string(format.name) + ", " TEXT(OP) ", " + std::to_string(WORLD_SIZE) + " ranks on streams 0, " + std::to_string(WORLD_SIZE) + " and " + std::to_string(2 * WORLD_SIZE) + " on" + troubles[trouble];
        if (trouble == STOPS || trouble == DISAGREES)
            description += ": rank " + std::to_string(victim) + " at call " + std::to_string(from);
        description += "; calls:";
        for (const Call &call : calls)
            description += " " + std::to_string(call.count) + (call.by_kernel ? " by a kernel" : " in " + std::to_string(call.pieces) + " pieces") + (call.in_place ? " in place" : "") + " by " + std::to_string(call.blocks) + "x" + std::to_string(call.threads) + ";";
    }

    static u64 part_of(u64 bytes) { return (bytes + UNIT * WORLD_SIZE - 1) / (UNIT * WORLD_SIZE) * UNIT; }

    void make(Call &call, u32 blocks, u32 threads)
    {
        Random &random = of.random;
        call.by_kernel = random.one_in(4);
        call.checks = random.one_in(2);
        call.in_place = random.one_in(2);
        call.count = 1 + random.below((u32)largest);
        u32 step = format.bytes > 4 ? format.bytes : 4;
        call.offset = random.below(UNIT / step) * step;
        call.buffer = random.below(BUFFERS);
        call.pieces = 1 + random.below(MOST_PIECES);
        call.blocks = 1 + random.below(blocks);
        call.threads = 1 + random.below(threads);
        call.copying = 1 + random.below(threads);
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            call.data[rank].resize(call.count * format.bytes);
            for (u64 i = 0; i < call.count; i++)
                format.write(call.data[rank].data(), i, format.any(random));
        }
        for (u64 i = 0; i < call.count; i++) {
            u64 elements[WORLD_SIZE];
            for (u32 rank = 0; rank < WORLD_SIZE; rank++)
                elements[rank] = format.read(call.data[rank].data(), i);
            call.expected.push_back(reduce_reference(format, TEXT(OP), elements, WORLD_SIZE));
        }
    }

    bool odd(u32 rank, u32 number) const { return trouble == DISAGREES && rank == victim && number == from; }

    u8 *output_of(u32 rank, u32 number) const { return registered[calls[number].buffer][rank] + calls[number].offset; }

    const u8 *input_of(u32 rank, u32 number) const { return calls[number].in_place ? output_of(rank, number) : input[rank]; }

    bool anyone_left() const
    {
        bool left = false;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++)
            left |= arena.has_left(rank);
        return left;
    }

    void before(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        memset(registered[call.buffer][rank], UNTOUCHED, capacity);
        memset(input[rank], UNTOUCHED, largest * format.bytes);
        memcpy((void *)input_of(rank, number), call.data[rank].data(), call.data[rank].size());
    }

    // bytes: of the buffer.
    void check(u32 rank, u32 number, const u8 *bytes)
    {
        const Call &call = calls[number];
        bool leaves = arena.has_left(rank);
        if (leaves && (trouble == NONE || (trouble != ABORT && number < from)))
            fail(Verdict::WrongData, "rank %u has left in call %u, for no reason", rank, number);
        if (!leaves && (trouble == STOPS || trouble == DISAGREES) && number >= from)
            fail(Verdict::WrongData, "rank %u has not left in call %u, which rank %u %s", rank, number, victim, trouble == STOPS ? "never began" : "made another one");
        // Copies of peers that went on may still come to what it holds.
        if (leaves)
            return;
        bool left = anyone_left();
        for (u64 i = 0; i < call.count; i++) {
            u64 got = format.read(bytes + call.offset, i);
            if (!format.equal(got, call.expected[i]) && !(left && format.is_nothing(got)))
                fail(Verdict::WrongData, "rank %u, call %u, element %llu of %llu is %s and should be %s", rank, number, i, call.count, format.text(got).c_str(), format.text(call.expected[i]).c_str());
        }
        for (u64 i = 0; i < capacity && !left; i++)
            if ((i < call.offset || i >= call.offset + call.count * format.bytes) && bytes[i] != UNTOUCHED)
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu of its buffer", rank, number, i);
    }

    void launch(Stream stream, u32 rank, u32 blocks, u32 threads, std::function<void()> kernel, std::function<void()> before = {}, std::function<void()> after = {}, bool dependent = false)
    {
        Launch launch;
        launch.kernel = std::move(kernel);
        launch.blocks = blocks;
        launch.threads = threads;
        launch.dependent = dependent;
        launch.delay = of.random.one_in(8) ? of.random.magnitude(10) : 0;
        launch.before = std::move(before);
        launch.after = std::move(after);
        machine.enqueue(stream * WORLD_SIZE + rank, std::move(launch));
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

    void enqueue(u32 rank, u32 number)
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
        arguments.claim = {call.offset | (u64)call.buffer << 48 | (u64)odd(rank, number) << 40, 7, call.count};
        arguments.part = part / cell;

        launch(MAIN, rank, 1, 1, [] {}, [this, rank, number] { before(rank, number); });
        record(MAIN, rank, BEGUN, number);
        if (!CONTRIBUTIONS_BEFORE_BEGUN)
            wait_for(CONTRIBUTIONS, rank, BEGUN, number);
        for (u32 piece = 0; piece < call.pieces; piece++) {
            arguments.step = TELL;
            arguments.piece = piece;
            u32 threads = call.threads;
            auto tell = [this, rank, threads, arguments] { launch(CONTRIBUTIONS, rank, 1, threads, [arguments] { copy_engine_step(arguments); }); };
            if (TELL_BEFORE_COPY)
                tell();
            for (u32 hop = 1; hop < WORLD_SIZE; hop++) {
                u32 peer = (rank + hop) % WORLD_SIZE;
                u64 begin, end;
                range(call, peer, piece, begin, end);
                u8 *slot = registered[call.buffer][peer] + capacity + (rank + WORLD_SIZE - peer - 1) % WORLD_SIZE * slot_bytes;
                copy(CONTRIBUTIONS, rank, call.copying, slot + (begin - peer * part), input + begin, end - begin);
            }
            if (!TELL_BEFORE_COPY)
                tell();
            record(CONTRIBUTIONS, rank, TOLD + piece, number);
        }
        for (u32 piece = 0; piece < call.pieces; piece++) {
            wait_for(MAIN, rank, TOLD + piece, number);
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
        launch(MAIN, rank, 1, call.threads, [arguments] { copy_engine_step(arguments); }, {}, [this, rank, number] { look(rank, number, false); });
    }

    void enqueue_kernel(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        AllReduce arguments = {arena.view[rank], input_of(rank, number), output_of(rank, number), call.count};
        launch(MAIN, rank, call.blocks, call.threads, [arguments] { one_shot_step(arguments); }, [this, rank, number] { before(rank, number); }, [this, rank, number] { look(rank, number, false); }, of.random.one_in(2));
    }

    void look(u32 rank, u32 number, bool loaded)
    {
        if (calls[number].checks == loaded)
            check(rank, number, loaded ? seen[rank].data() : registered[calls[number].buffer][rank]);
    }

    // The caller's next kernel.
    void load(u32 rank, u32 number)
    {
        const u8 *buffer = registered[calls[number].buffer][rank];
        launch(MAIN, rank, 1, 1, [this, rank, buffer] {
            for (u64 i = 0; i < capacity; i += 4) {
                u32 word = load_relaxed((const u32 *)(buffer + i));
                memcpy(&seen[rank][i], &word, 4);
            }
        }, {}, [this, rank, number] { look(rank, number, true); });
    }

    void run()
    {
        for (u32 rank = 0; rank < WORLD_SIZE; rank++)
            for (u32 number = 0; number < calls.size() && (trouble != STOPS || rank != victim || number < from); number++) {
                if (calls[number].by_kernel)
                    enqueue_kernel(rank, number);
                else
                    enqueue(rank, number);
                if (calls[number].checks)
                    load(rank, number);
                of.calls++;
            }
        if (trouble == ABORT)
            machine.at(of.random.magnitude(15), [this] { host_store(arena.abort, 1); });
        machine.run();
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            u64 ran = trouble == STOPS && rank == victim ? from : calls.size();
            if (arena.control(rank).ticket != ran << 16)
                fail(Verdict::WrongData, "rank %u's ticket is %llx after %llu calls", rank, arena.control(rank).ticket, ran);
            if (arena.has_left(rank))
                check_fault(rank);
        }
        heap.check_guards();
    }

    void check_fault(u32 rank)
    {
        const Fault &fault = *arena.view[rank].fault;
        u32 others = ~(1u << rank) & ((1u << WORLD_SIZE) - 1), missing = trouble == ABORT || rank == victim ? others : 1u << victim;
        u32 reason = trouble == ABORT ? ABORTED : trouble == STOPS ? TIMED_OUT : DISAGREED;
        if (fault.reason != reason || fault.missing == 0 || (fault.missing & ~missing) != 0 || (trouble != ABORT && fault.epoch != from))
            fail(Verdict::WrongData, "rank %u left by reason %u, in epoch %llu, for want of ranks %x; it should be reason %u, epoch %u, ranks %x", rank, fault.reason, fault.epoch, fault.missing, reason, from, missing);
        if (trouble == DISAGREES && (fault.claim.place ^ fault.own.place) != 1ull << 40)
            fail(Verdict::WrongData, "rank %u tells of claims %llx and %llx", rank, fault.claim.place, fault.own.place);
    }
};

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 2 : 4);
    Setting setting = of.setting(STREAMS * WORLD_SIZE, blocks, threads);
    setting.overlap = 2;
    machine.reset(setting);
    u64 cells = 1 + of.random.below(WORLD_SIZE > 4 ? 20 : 6 * WORLD_SIZE);
    AllReduces(of, cells, blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
