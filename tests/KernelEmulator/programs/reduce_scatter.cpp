#define KERNEL reduce_parts
#include "reduce_scatter.cu"
#include "harness/reference.hpp"
#include "harness/sequence.hpp"

using namespace emulator;

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const u8 UNTOUCHED = 0x5C;
static const u32 LONGEST = 3 * ELEMENT::IN_CELL + 2;            // elements of a part
static const u32 CELLS = (LONGEST - 1) / ELEMENT::IN_CELL + 1;  // of it

// One call: the parts, which lie in any order and apart, or are one that all ranks reduce to a root.
struct Call {
    ReduceScatter arguments[MAX_RANKS];
    std::vector<u8> data[MAX_RANKS];  // of the ranks' inputs
    u32 blocks, threads;
    bool in_place;
};

// Consecutive reduce-scatters. in, out: the buffers of each rank.
struct ReduceScatters {
    Case &of;
    const Format &format = format_of(TEXT(ELEMENT));
    std::vector<Call> calls;
    Sequence sequence;
    u8 *in[MAX_RANKS], *out[MAX_RANKS];

    ReduceScatters(Case &of, u32 blocks, u32 threads) : of(of), calls(2 + of.random.below(7)), sequence(of, WORLD_SIZE, (u32)calls.size(), WORLD_SIZE * CELLS * sizeof(ELEMENT::Cell))
    {
        Random &random = of.random;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            in[rank] = (u8 *)heap.allocate("input of rank " + std::to_string(rank), size(), random.below(16 / format.bytes) * format.bytes);
            out[rank] = (u8 *)heap.allocate("output of rank " + std::to_string(rank), LONGEST * format.bytes, random.below(16 / format.bytes) * format.bytes);
        }
        description = std::string(format.name) + ", " TEXT(OP) ", " + std::to_string(WORLD_SIZE) + " ranks" + sequence.text() + "; calls:";
        for (Call &call : calls)
            make(call, 1 + random.below(blocks), 1 + random.below(threads));
    }

    u64 size() const { return WORLD_SIZE * (LONGEST + 1) * format.bytes; }

    void make(Call &call, u32 blocks, u32 threads)
    {
        static const char *const kinds[] = {"equal parts", "parts", "reduce"};
        Random &random = of.random;
        u32 kind = random.below(3), root = random.below(WORLD_SIZE), most = random.below(LONGEST + 1), turn = random.below(WORLD_SIZE);
        call.blocks = blocks;
        call.threads = threads;
        call.in_place = random.one_in(3);
        u64 count[MAX_RANKS] = {}, offset[MAX_RANKS] = {}, end = 0;
        for (u32 i = 0; i < WORLD_SIZE; i++) {
            u32 rank = (i + turn) % WORLD_SIZE;
            count[rank] = kind == 0 || (kind == 2 && rank == root) ? most : kind == 1 ? random.below(most + 1) : 0;
            offset[rank] = end;
            end += count[rank] + random.below(2);
        }
        description += std::string(" ") + kinds[kind] + " of " + std::to_string(most) + (call.in_place ? " in place" : "") + " by " + std::to_string(blocks) + "x" + std::to_string(threads) + ";";
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            ReduceScatter &arguments = call.arguments[rank];
            arguments = {};
            arguments.view = sequence.view(rank);
            arguments.input = in[rank];
            arguments.output = call.in_place ? in[rank] + offset[rank] * format.bytes : out[rank];
            memcpy(arguments.offset, offset, sizeof offset);
            memcpy(arguments.count, count, sizeof count);
            call.data[rank].resize(size());
            for (u64 i = 0; i < size() / format.bytes; i++)
                format.write(call.data[rank].data(), i, format.any(random));
            // Whole words that look like poison.
            for (u64 i = 0; i + 4 <= size(); i += 4)
                if (random.one_in(8))
                    memset(&call.data[rank][i], 0xFF, 4);
        }
    }

    void before(u32 rank, const Call &call)
    {
        memcpy(in[rank], call.data[rank].data(), size());
        memset(out[rank], UNTOUCHED, LONGEST * format.bytes);
    }

    u64 expected(const Call &call, u32 rank, u64 index) const
    {
        u64 elements[WORLD_SIZE];
        for (u32 from = 0; from < WORLD_SIZE; from++)
            elements[from] = format.read(call.data[from].data(), call.arguments[rank].offset[rank] + index);
        return reduce_reference(format, TEXT(OP), elements, WORLD_SIZE);
    }

    void after(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        const ReduceScatter &to = call.arguments[rank];
        bool leaves = sequence.has_left(rank), left = sequence.had_left(rank);
        for (u64 i = 0; i < to.count[rank]; i++) {
            u64 got = format.read(to.output, i), wanted = expected(call, rank, i);
            if (leaves ? !format.is_nothing(got) && (left || !format.equal(got, wanted)) : !format.equal(got, wanted))
                fail(Verdict::WrongData, "rank %u, call %u, element %llu of %llu is %s and should be %s", rank, number, i, to.count[rank], format.text(got).c_str(), format.text(wanted).c_str());
        }
        u64 bytes = to.count[rank] * format.bytes, begin = call.in_place ? to.offset[rank] * format.bytes : size();
        for (u64 i = 0; i < size(); i++)
            if ((i < begin || i >= begin + bytes) && in[rank][i] != call.data[rank][i])
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu of its input", rank, number, i);
        for (u64 i = call.in_place ? 0 : bytes; i < LONGEST * format.bytes; i++)
            if (out[rank][i] != UNTOUCHED)
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu of its output", rank, number, i);
    }

    void run()
    {
        sequence.run([this](u32 rank, u32 number) {
            Launch launch;
            Call &call = calls[number];
            launch.kernel = [&call, rank] { KERNEL(call.arguments[rank]); };
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
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 3 : 5);
    Setting setting = of.setting(WORLD_SIZE, blocks, threads);
    setting.overlap = 2;
    machine.reset(setting);
    ReduceScatters(of, blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
