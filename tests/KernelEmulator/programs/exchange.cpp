#define KERNEL exchange_parts
#include <algorithm>
#include "exchange.cu"
#include "harness/sequence.hpp"

using namespace emulator;

static const u8 UNTOUCHED = 0x5C;
static const u32 LONGEST = 40;  // bytes of a part

// One call: how many bytes each rank has for each, and where they lie.
struct Call {
    Exchange arguments[MAX_RANKS];
    std::vector<u8> data[MAX_RANKS];  // of the ranks' inputs
    u32 blocks, threads;
};

// Consecutive exchanges of all kinds. in, out: the buffers of each rank, of WORLD_SIZE * LONGEST bytes and what alignment takes.
struct Exchanges {
    Case &of;
    std::vector<Call> calls;
    Sequence sequence;
    u8 *in[MAX_RANKS], *out[MAX_RANKS];

    Exchanges(Case &of, u32 blocks, u32 threads) : of(of), calls(2 + of.random.below(7)), sequence(of, WORLD_SIZE, (u32)calls.size(), WORLD_SIZE * (LONGEST / CELL_BYTES) * sizeof(Pair))
    {
        Random &random = of.random;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            in[rank] = (u8 *)heap.allocate("input of rank " + std::to_string(rank), size(), random.below(8));
            out[rank] = (u8 *)heap.allocate("output of rank " + std::to_string(rank), size(), random.below(8));
        }
        description = std::to_string(WORLD_SIZE) + " ranks" + sequence.text() + "; calls:";
        for (Call &call : calls)
            make(call, 1 + random.below(blocks), 1 + random.below(threads));
    }

    static u64 size() { return WORLD_SIZE * LONGEST; }

    void make(Call &call, u32 blocks, u32 threads)
    {
        static const char *const kinds[] = {"nothing", "all-gather", "all-gather in place", "all-to-all", "all-to-all-v", "broadcast", "gather", "scatter"};
        Random &random = of.random;
        u32 kind = random.below(8), root = random.below(WORLD_SIZE), bytes = random.below(LONGEST + 1);
        call.blocks = blocks;
        call.threads = threads;
        description += std::string(" ") + kinds[kind] + " of " + std::to_string(bytes) + " by " + std::to_string(blocks) + "x" + std::to_string(threads) + ";";
        // Another layout for every call.
        u64 slot_cells = cells_of_bytes(bytes) + random.below(LONGEST / CELL_BYTES - (u32)cells_of_bytes(bytes) + 1);
        u32 length[MAX_RANKS][MAX_RANKS] = {};  // from, to
        for (u32 a = 0; a < WORLD_SIZE; a++)
            for (u32 b = 0; b < WORLD_SIZE; b++)
                length[a][b] = kind == 0 ? 0 : kind == 4 ? random.below(bytes + 1) : kind <= 3 || (kind == 5 && a == root) || (kind == 6 && b == root) || (kind == 7 && a == root) ? bytes : 0;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            Exchange &arguments = call.arguments[rank];
            arguments = {};
            arguments.view = sequence.view(rank);
            arguments.input = in[rank];
            arguments.output = out[rank];
            arguments.slot_cells = slot_cells;
            u64 sent = 0, received = 0;
            for (u32 peer = 0; peer < WORLD_SIZE; peer++) {
                arguments.send_bytes[peer] = length[rank][peer];
                arguments.receive_bytes[peer] = length[peer][rank];
                // The same bytes to all, or a part for each.
                bool alike = kind == 1 || kind == 2 || kind == 5 || kind == 6;
                arguments.send_offset[peer] = alike ? 0 : sent;
                arguments.receive_offset[peer] = received;
                sent += length[rank][peer];
                received += length[peer][rank];
            }
            if (kind == 2)
                arguments.input = out[rank] + arguments.receive_offset[rank];
            for (u64 i = 0; i < size(); i++)
                call.data[rank].push_back(random.one_in(3) ? 0xFF : (u8)random.next());
        }
    }

    void before(u32 rank, Call &call)
    {
        memset(out[rank], UNTOUCHED, size());
        memset(in[rank], UNTOUCHED, size());
        const Exchange &arguments = call.arguments[rank];
        memcpy((void *)arguments.input, call.data[rank].data(), arguments.input == in[rank] ? size() : arguments.send_bytes[rank]);
    }

    void after(u32 rank, u32 number)
    {
        Call &call = calls[number];
        const Exchange &to = call.arguments[rank];
        std::vector<bool> written(size());
        for (u32 peer = 0; peer < WORLD_SIZE; peer++) {
            const u8 *part = out[rank] + to.receive_offset[peer];
            const u8 *sent = call.data[peer].data() + (call.arguments[peer].input == in[peer] ? call.arguments[peer].send_offset[rank] : 0);
            for (u64 begin = 0; begin < to.receive_bytes[peer]; begin += CELL_BYTES) {
                u64 end = begin + CELL_BYTES < to.receive_bytes[peer] ? begin + CELL_BYTES : to.receive_bytes[peer];
                std::fill(written.begin() + to.receive_offset[peer] + begin, written.begin() + to.receive_offset[peer] + end, true);
                // A rank that leaves says so by zeros in every cell that it does not have; its own are copied all the same.
                bool nothing = std::all_of(part + begin, part + end, [](u8 byte) { return byte == 0; });
                if (nothing && peer != rank && sequence.has_left(rank))
                    continue;
                if (peer != rank && sequence.had_left(rank))
                    fail(Verdict::WrongData, "rank %u had left before call %u, which wrote byte %llu of rank %u's part", rank, number, begin, peer);
                for (u64 i = begin; i < end; i++)
                    if (part[i] != sent[i])
                        fail(Verdict::WrongData, "rank %u, call %u, byte %llu of rank %u's part is %02x and should be %02x", rank, number, i, peer, part[i], sent[i]);
            }
        }
        for (u64 i = 0; i < size(); i++)
            if (!written[i] && out[rank][i] != UNTOUCHED && to.input == in[rank])
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
    Exchanges(of, blocks, threads).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
