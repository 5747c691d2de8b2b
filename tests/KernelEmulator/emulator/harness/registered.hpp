// Consecutive all-reduces of a group into registered memory, and what goes wrong among them. Included by programs behind the kernels, one_shot_step and registered_step at least: it needs WORLD_SIZE, ELEMENT and OP.
#pragma once
#include <functional>
#include "arena.hpp"
#include "reference.hpp"

namespace emulator {

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

class RegisteredCalls {
  public:
    enum Route { ONE_SHOT, WINDOWED, REGISTERED, COPY_ENGINE };

    struct Call {
        Route route;
        bool fills;   // the caller's kernel before it writes the output; else its memory is written
        bool checks;  // by a grid that loads the output; else its memory is looked at
        bool in_place;
        u64 count, offset;  // elements; of the output, bytes
        u32 buffer, pieces, blocks, threads, copying;  // pieces, copying: of copy engines
        std::vector<u8> data[MAX_RANKS];
        std::vector<u64> expected;
    };

    static const u32 UNIT = 16, MOST_PIECES = 3, BUFFERS = 2;

    // routes: one of them for each call. streams: of each rank, more than one for copy engines; a rank's second one is rank + WORLD_SIZE of the machine.
    RegisteredCalls(Case &of, std::vector<Route> routes, u32 streams, u64 cells, u64 half_bytes, u32 blocks, u32 threads) : of(of), arena(WORLD_SIZE, half_bytes), copies(streams > 1), largest(cells * ELEMENT::IN_CELL)
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
            seen[rank].resize(capacity);
        }
        calls.resize(2 + random.below(5));
        for (Call &call : calls)
            make(call, routes[random.below((u32)routes.size())], blocks, threads);
        u32 kind = random.below(10);
        trouble = kind <= DISAGREES ? (Trouble)kind : NONE;
        // Copies of those that have left come to memory of one that is late at any time.
        if (trouble == LATE && copies)
            trouble = STOPS;
        victim = random.below(WORLD_SIZE);
        from = random.below((u32)calls.size());
        if (trouble == DISAGREES && calls[from].route < REGISTERED)
            trouble = NONE;
        aborts_in_finish = trouble == ABORT && calls[from].route == COPY_ENGINE && random.one_in(2);
        miscounts = calls[from].route == REGISTERED && calls[from].count > 1 && random.one_in(2);
        for (u32 rank = 0; rank < WORLD_SIZE && lacks(); rank++)
            arena.view[rank].patience = PATIENCE;
        // Where somebody must leave time goes on; elsewhere a wait without an end is an error.
        machine.patience = trouble == NONE ? 0 : PATIENCE + 1;
        static const char *const troubles[] = {"", ", aborted", ", a rank stops", ", a rank comes after the deadline", ", a rank means something else"};
        description = std::string(format.name) + ", " TEXT(OP) ", " + std::to_string(WORLD_SIZE) + " ranks on " + std::to_string(streams) + " streams each" + troubles[trouble];
        if (lacks() || trouble == DISAGREES)
            description += ": rank " + std::to_string(victim) + " at call " + std::to_string(from);
        description += "; calls:";
        static const char *const kernels[] = {" by the one-shot", " by the windowed", " by the registered"};
        for (const Call &call : calls)
            description += " " + std::to_string(call.count) + (call.route == COPY_ENGINE ? " in " + std::to_string(call.pieces) + " pieces" : kernels[call.route]) + (call.in_place ? " in place" : "") + " by " + std::to_string(call.blocks) + "x" + std::to_string(call.threads) + ";";
    }
    virtual ~RegisteredCalls() = default;

    void run()
    {
        for (u32 rank = 0; rank < WORLD_SIZE; rank++)
            for (u32 number = 0; number < (lacks() && rank == victim ? from : calls.size()); number++)
                enqueue(rank, number);
        if (trouble == ABORT && !aborts_in_finish)
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

  protected:
    virtual void enqueue_by_copy_engine(u32 rank, u32 number) {}
    virtual void enqueue_windowed(u32 rank, u32 number) {}

    static u64 part_of(u64 bytes) { return (bytes + UNIT * WORLD_SIZE - 1) / (UNIT * WORLD_SIZE) * UNIT; }

    u8 *output_of(u32 rank, u32 number) const { return registered[calls[number].buffer][rank] + calls[number].offset; }

    const u8 *input_of(u32 rank, u32 number) const { return calls[number].in_place ? output_of(rank, number) : input[rank]; }

    Claim claim_of(u32 rank, u32 number) const
    {
        const Call &call = calls[number];
        bool odd = is_odd(rank, number);
        return {call.offset | (u64)call.buffer << 48 | (u64)(odd && !miscounts) << 40, 7, call.count - (odd && miscounts)};
    }

    void launch(u32 stream, u32 rank, u32 blocks, u32 threads, std::function<void()> kernel, std::function<void()> before = {}, std::function<void()> after = {}, bool dependent = false)
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

    // A call by one kernel.
    void enqueue_kernel(u32 rank, u32 number, std::function<void()> kernel)
    {
        // Grids are part of the protocol, but not for a rank that means something else.
        bool odd = is_odd(rank, number);
        u32 blocks = odd ? 1 + of.random.below(calls[number].blocks) : calls[number].blocks, threads = odd ? 1 + of.random.below(calls[number].threads) : calls[number].threads;
        bool fills = calls[number].fills;
        if (fills)
            fill(rank, number);
        launch(0, rank, blocks, threads, std::move(kernel), [this, fills, rank, number] { fills ? (void)0 : before(rank, number); }, [this, rank, number] { look(rank, number, false); }, of.random.one_in(2));
    }

    // The last kernel of a call by copy engines begins: an abort in it finds a rank that has told the others that it has ended, and one of those may be slow.
    void begin_finish(u32 rank, u32 number)
    {
        if (!aborts_in_finish || rank != victim || number != from)
            return;
        host_store(arena.abort, 1);
        machine.scheduler.hold((rank + 1 + of.random.below(WORLD_SIZE - 1)) % WORLD_SIZE, 8192);
    }

    // The first thing on a call's stream: its data.
    void begin(u32 rank, u32 number)
    {
        if (calls[number].fills)
            fill(rank, number);
        else
            launch(0, rank, 1, 1, [] {}, [this, rank, number] { before(rank, number); });
    }

    void look(u32 rank, u32 number, bool loaded)
    {
        if (!loaded)
            end(rank, number);
        if (calls[number].checks == loaded)
            check(rank, number, loaded ? seen[rank].data() : registered[calls[number].buffer][rank]);
    }

    Case &of;
    const Format &format = format_of(TEXT(ELEMENT));
    Arena arena;
    bool copies;  // some calls are by copy engines
    u64 largest, capacity, slot_bytes;
    std::vector<Call> calls;
    u8 *input[MAX_RANKS], *registered[BUFFERS][MAX_RANKS];

  private:
    // ABORT: the group's word is set. STOPS: a rank begins no more calls. LATE: it does after the others have left. DISAGREES: a rank means another place or another number of elements.
    enum Trouble { NONE, ABORT, STOPS, LATE, DISAGREES };
    static const u8 UNTOUCHED = 0x5C;
    static const u64 PATIENCE = 1'000'000;

    bool lacks() const { return trouble == STOPS || trouble == LATE; }

    bool is_odd(u32 rank, u32 number) const { return trouble == DISAGREES && rank == victim && number == from; }

    void make(Call &call, Route route, u32 blocks, u32 threads)
    {
        Random &random = of.random;
        call.route = route;
        call.fills = random.one_in(2);
        call.checks = random.one_in(2);
        call.in_place = random.one_in(2);
        call.count = 1 + random.below((u32)largest);
        // Copies are of whole words here.
        u32 step = format.bytes > 4 || route != COPY_ENGINE ? format.bytes : 4;
        call.offset = random.one_in(2) ? 0 : random.below(UNIT / step) * step;
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

    void enqueue(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        if (call.route == COPY_ENGINE)
            enqueue_by_copy_engine(rank, number);
        else if (call.route == WINDOWED)
            enqueue_windowed(rank, number);
        else if (call.route == REGISTERED) {
            RegisteredAllReduce arguments = {arena.view[rank], input_of(rank, number), {}, claim_of(rank, number)};
            for (u32 peer = 0; peer < WORLD_SIZE; peer++)
                arguments.output[peer] = output_of(peer, number);
            enqueue_kernel(rank, number, [arguments] { registered_step(arguments); });
        } else {
            AllReduce arguments = {arena.view[rank], input_of(rank, number), output_of(rank, number), call.count};
            enqueue_kernel(rank, number, [arguments] { one_shot_step(arguments); });
        }
        if (call.checks)
            load(rank, number);
        of.calls++;
    }

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
        had_left[rank] = arena.has_left(rank);
    }

    // The same by the caller's kernel before.
    void fill(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        std::vector<u8> image(capacity, UNTOUCHED);
        if (call.in_place)
            memcpy(&image[call.offset], call.data[rank].data(), call.data[rank].size());
        launch(0, rank, 1, 1, [this, rank, number, image = std::move(image)] {
            for (u64 i = 0; i < capacity; i += 4) {
                u32 word;
                memcpy(&word, &image[i], 4);
                store_relaxed((u32 *)(registered[calls[number].buffer][rank] + i), word);
            }
        }, [this, rank, number] {
            const Call &call = calls[number];
            if (!call.in_place)
                memcpy(input[rank], call.data[rank].data(), call.data[rank].size());
            had_left[rank] = arena.has_left(rank);
        });
    }

    // The caller's next kernel.
    void load(u32 rank, u32 number)
    {
        const u8 *buffer = registered[calls[number].buffer][rank];
        launch(0, rank, 1, 1, [this, rank, buffer] {
            for (u64 i = 0; i < capacity; i += 4) {
                u32 word = load_relaxed((const u32 *)(buffer + i));
                memcpy(&seen[rank][i], &word, 4);
            }
        }, {}, [this, rank, number] { look(rank, number, true); });
    }

    void end(u32 rank, u32 number)
    {
        bool leaves = arena.has_left(rank);
        if (leaves && (trouble == NONE || (trouble != ABORT && number < from)))
            fail(Verdict::WrongData, "rank %u has left in call %u, for no reason", rank, number);
        // One that is late has what others had sent before they left, and may do a call by the one-shot.
        if (!leaves && number >= from && (trouble == DISAGREES || trouble == STOPS || (trouble == LATE && (rank != victim || calls[number].route != ONE_SHOT))))
            fail(Verdict::WrongData, "rank %u has not left in call %u, which rank %u %s", rank, number, victim, trouble == DISAGREES ? "made another one" : "had not begun");
        ended++;
        if (trouble == LATE && ended == (WORLD_SIZE - 1) * calls.size() + from)
            for (u32 late = from; late < calls.size(); late++)
                enqueue(victim, late);
    }

    // bytes: of the buffer.
    void check(u32 rank, u32 number, const u8 *bytes)
    {
        const Call &call = calls[number];
        bool leaves = arena.has_left(rank), left = anyone_left();
        // Copies can't be called off: those of ranks that have left, in calls to come, may bring nothing to any output, and to one's that has left anything. A kernel's stores end with its call, so they are looked at where no call is by copy engines.
        bool strict = call.route == REGISTERED && !copies;
        if (leaves && (!strict || had_left[rank]))
            return;
        bool may_be_nothing = strict ? leaves : left, may_be_result = !leaves || trouble != DISAGREES;
        u64 count = claim_of(rank, number).count;
        for (u64 i = 0; i < count; i++) {
            u64 got = format.read(bytes + call.offset, i);
            if (!(may_be_result && format.equal(got, call.expected[i])) && !(may_be_nothing && format.is_nothing(got)))
                fail(Verdict::WrongData, "rank %u, call %u, element %llu of %llu is %s and should be %s", rank, number, i, count, format.text(got).c_str(), may_be_result ? format.text(call.expected[i]).c_str() : "nothing");
        }
        for (u64 i = 0; i < capacity && (!left || strict); i++)
            if ((i < call.offset || i >= call.offset + call.count * format.bytes) && bytes[i] != UNTOUCHED)
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu of its buffer", rank, number, i);
    }

    void check_fault(u32 rank)
    {
        const Fault &fault = *arena.view[rank].fault;
        u32 others = ~(1u << rank) & ((1u << WORLD_SIZE) - 1), missing = trouble == ABORT || rank == victim ? others : 1u << victim;
        u32 reason = trouble == ABORT ? ABORTED : lacks() ? TIMED_OUT : DISAGREED;
        bool is_epoch = trouble == ABORT || fault.epoch == from || (trouble == LATE && rank == victim && fault.epoch > from);
        if (fault.reason != reason || fault.missing == 0 || (fault.missing & ~missing) != 0 || !is_epoch)
            fail(Verdict::WrongData, "rank %u left by reason %u, in epoch %llu, for want of ranks %x; it should be reason %u, epoch %u, ranks %x", rank, fault.reason, fault.epoch, fault.missing, reason, from, missing);
        if (trouble == DISAGREES && (fault.claim.place ^ fault.own.place) != (miscounts ? 0 : 1ull << 40))
            fail(Verdict::WrongData, "rank %u tells of places %llx and %llx", rank, fault.claim.place, fault.own.place);
        if (trouble == DISAGREES && fault.claim.count + (rank == victim ? -1 : 1) * miscounts != fault.own.count)
            fail(Verdict::WrongData, "rank %u tells of %llu and %llu elements", rank, fault.claim.count, fault.own.count);
    }

    std::vector<u8> seen[MAX_RANKS];
    Trouble trouble = NONE;
    u32 victim = 0, from = 0;  // of trouble: the rank and its first call
    bool aborts_in_finish = false;
    bool miscounts = false;    // DISAGREES: a number of elements, not a place
    bool had_left[MAX_RANKS] = {};
    u64 ended = 0;
};

}  // namespace emulator
