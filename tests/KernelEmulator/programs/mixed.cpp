// All kernels of a group that need no registered memory, in any order in one arena: each leaves it as whichever comes next needs it.
#define KERNEL one_shot_step
#include "all_reduce_one_shot.cu"
#undef KERNEL
#define KERNEL two_shot_step
#include "all_reduce_two_shot.cu"
#undef KERNEL
#define KERNEL windowed_step
#include "all_reduce_windowed.cu"
#undef KERNEL
#define KERNEL reduce_scatter_step
#include "reduce_scatter.cu"
#undef KERNEL
#define KERNEL exchange_step
#include "exchange.cu"
#include <algorithm>
#include "harness/reference.hpp"
#include "harness/sequence.hpp"

using namespace emulator;

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const u8 UNTOUCHED = 0x5C;
static const u32 PART_CELLS = 6, PART = PART_CELLS * ELEMENT::IN_CELL;  // of a rank's part at most: more than a ring has places

enum What { ONE_SHOT, TWO_SHOT, WINDOWED, REDUCE_SCATTER, ALL_GATHER, ALL_TO_ALL, BROADCAST, BARRIER, KINDS };

struct Call {
    What kind;
    u32 blocks, threads, root;
    u64 count, part;  // elements: of an all-reduce, of a rank's part elsewhere
    bool in_place;
    Exchange exchange[MAX_RANKS];
    std::vector<u8> data[MAX_RANKS];  // of the ranks' inputs
};

struct Calls {
    Case &of;
    const Format &format = format_of(TEXT(ELEMENT));
    std::vector<Call> calls;
    Sequence sequence;
    u8 *in[MAX_RANKS], *out[MAX_RANKS];

    Calls(Case &of, u32 blocks, u32 threads) : of(of), calls(2 + of.random.below(9)), sequence(of, WORLD_SIZE, (u32)calls.size(), half_bytes(blocks, threads))
    {
        Random &random = of.random;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            in[rank] = (u8 *)heap.allocate("input of rank " + std::to_string(rank), size(), random.below(16 / format.bytes) * format.bytes);
            out[rank] = (u8 *)heap.allocate("output of rank " + std::to_string(rank), size(), random.below(16 / format.bytes) * format.bytes);
        }
        description = std::string(format.name) + ", " TEXT(OP) ", " + std::to_string(WORLD_SIZE) + " ranks" + sequence.text() + "; calls:";
        for (Call &call : calls)
            make(call, 1 + random.below(blocks), 1 + random.below(threads));
    }

    // What the one-shot takes, the ring of the largest grid, and parts of what is copied, which travel with flags.
    static u64 half_bytes(u32 blocks, u32 threads)
    {
        u64 cell = sizeof(ELEMENT::Cell), bytes = WORLD_SIZE * WORLD_SIZE * PART_CELLS * cell;
        bytes = std::max(bytes, 2 * RING * WORLD_SIZE * blocks * threads * cell);
        return std::max(bytes, WORLD_SIZE * slot_cells() * sizeof(Pair));
    }

    u64 size() const { return WORLD_SIZE * PART * format.bytes; }

    static u64 slot_cells() { return PART * sizeof(ELEMENT::Bits) / CELL_BYTES; }

    static bool is_all_reduce(const Call &call) { return call.kind <= WINDOWED; }

    static bool is_reduced(const Call &call) { return call.kind <= REDUCE_SCATTER; }

    void make(Call &call, u32 blocks, u32 threads)
    {
        static const char *const kinds[] = {"one-shot", "two-shot", "windowed", "reduce-scatter", "all-gather", "all-to-all", "broadcast", "barrier"};
        Random &random = of.random;
        call.kind = (What)random.below(KINDS);
        call.blocks = blocks;
        call.threads = threads;
        call.root = random.below(WORLD_SIZE);
        call.in_place = is_all_reduce(call) && random.one_in(3);
        call.part = call.kind == BARRIER ? 0 : random.below(PART + 1);
        call.count = is_all_reduce(call) ? 1 + random.below(random.one_in(2) ? WORLD_SIZE * PART : ELEMENT::IN_CELL) : call.part;
        description += std::string(" ") + kinds[call.kind] + " of " + std::to_string(call.count) + (call.in_place ? " in place" : "") + " by " + std::to_string(blocks) + "x" + std::to_string(threads) + ";";
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            std::vector<u8> &data = call.data[rank];
            data.resize(size());
            for (u64 i = 0; i < size() / format.bytes; i++)
                format.write(data.data(), i, format.any(random));
            // Whole words that look like poison.
            for (u64 i = 0; i + 4 <= size(); i += 4)
                if (random.one_in(8))
                    memset(&data[i], 0xFF, 4);
        }
        u64 bytes = call.part * format.bytes, used = cells_of_bytes(bytes), slot = used + random.below((u32)(slot_cells() - used + 1));
        for (u32 rank = 0; rank < WORLD_SIZE && !is_reduced(call); rank++) {
            Exchange &arguments = call.exchange[rank];
            arguments = {};
            arguments.view = sequence.view(rank);
            arguments.input = in[rank];
            arguments.output = out[rank];
            arguments.slot_cells = slot;
            for (u32 peer = 0; peer < WORLD_SIZE; peer++) {
                bool is_one = call.kind == BROADCAST;
                arguments.send_bytes[peer] = is_one && rank != call.root ? 0 : bytes;
                arguments.receive_bytes[peer] = is_one && peer != call.root ? 0 : bytes;
                arguments.send_offset[peer] = call.kind == ALL_TO_ALL ? peer * bytes : 0;
                arguments.receive_offset[peer] = is_one ? 0 : peer * bytes;
            }
        }
    }

    void before(u32 rank, const Call &call)
    {
        memcpy(in[rank], call.data[rank].data(), size());
        memset(out[rank], UNTOUCHED, size());
    }

    void run(u32 rank, const Call &call)
    {
        const View &view = sequence.view(rank);
        AllReduce all = {view, in[rank], call.in_place ? in[rank] : out[rank], call.count};
        ReduceScatter parts = {};
        parts.view = view;
        parts.input = in[rank];
        parts.output = out[rank];
        for (u32 of = 0; of < WORLD_SIZE; of++) {
            parts.offset[of] = of * call.part;
            parts.count[of] = call.part;
        }
        switch (call.kind) {
        case ONE_SHOT: return one_shot_step(all);
        case TWO_SHOT: return two_shot_step(all);
        case WINDOWED: return windowed_step(all);
        case REDUCE_SCATTER: return reduce_scatter_step(parts);
        default: return exchange_step(call.exchange[rank]);
        }
    }

    // Of an output, in elements.
    static u64 length(const Call &call) { return call.kind == ALL_GATHER || call.kind == ALL_TO_ALL ? WORLD_SIZE * call.part : call.count; }

    // Of what is copied: whose it is.
    static u32 origin(const Call &call, u64 index) { return call.kind == BROADCAST ? call.root : (u32)(index / call.part); }

    u64 expected(const Call &call, u32 rank, u64 index) const
    {
        u64 own = call.kind == REDUCE_SCATTER || call.kind == ALL_TO_ALL ? rank * call.part : 0;
        if (!is_reduced(call))
            return format.read(call.data[origin(call, index)].data(), own + (call.kind == BROADCAST ? index : index % call.part));
        u64 elements[WORLD_SIZE];
        for (u32 from = 0; from < WORLD_SIZE; from++)
            elements[from] = format.read(call.data[from].data(), own + index);
        return reduce_reference(format, TEXT(OP), elements, WORLD_SIZE);
    }

    void after(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        const u8 *output = call.in_place ? in[rank] : out[rank];
        bool leaves = sequence.has_left(rank), left = sequence.had_left(rank);
        for (u64 i = 0; i < length(call); i++) {
            u64 got = format.read(output, i), wanted = expected(call, rank, i);
            bool copies = !is_reduced(call), right = copies ? got == wanted : format.equal(got, wanted);
            // A rank that leaves says so in what it does not have; of what is copied its own part is there all the same.
            bool nothing = copies ? got == 0 : format.is_nothing(got), may_be_right = !left || (copies && origin(call, i) == rank);
            if (!(right && may_be_right) && !(nothing && leaves))
                fail(Verdict::WrongData, "rank %u, call %u, element %llu of %llu is %s and should be %s", rank, number, i, length(call), format.text(got).c_str(), may_be_right ? format.text(wanted).c_str() : "nothing");
        }
        for (u64 i = length(call) * format.bytes; i < size(); i++)
            if (call.in_place ? output[i] != call.data[rank][i] : output[i] != UNTOUCHED)
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu of its output", rank, number, i);
        if (!call.in_place && memcmp(in[rank], call.data[rank].data(), size()) != 0)
            fail(Verdict::WrongData, "rank %u, call %u wrote its input", rank, number);
    }

    void run()
    {
        sequence.run([this](u32 rank, u32 number) {
            Launch launch;
            const Call &call = calls[number];
            launch.kernel = [this, &call, rank] { run(rank, call); };
            launch.blocks = call.blocks;
            launch.threads = call.threads;
            launch.dependent = of.random.one_in(2);
            launch.before = [this, rank, &call] { before(rank, call); };
            launch.after = [this, rank, number] { after(rank, number); };
            return launch;
        });
    }
};

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 2 : 4);
    Setting setting = of.setting(WORLD_SIZE, blocks, threads);
    setting.overlap = 2;
    machine.reset(setting);
    Calls(of, blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
