#define KERNEL exchange_parts
#include "exchange.cu"
#include "harness/arena.hpp"

using namespace emulator;

static const u8 UNTOUCHED = 0x5C;
static const u64 PATIENCE = 1'000'000;
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
    Arena arena;
    std::vector<Call> calls;
    u8 *in[MAX_RANKS], *out[MAX_RANKS];
    u32 stopped = WORLD_SIZE, from = 0;  // a rank that stops before this call

    Exchanges(Case &of, u32 blocks, u32 threads, bool stops) : of(of), arena(WORLD_SIZE, WORLD_SIZE * (LONGEST / CELL_BYTES) * sizeof(Pair), stops ? PATIENCE : ~0ull)
    {
        Random &random = of.random;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            in[rank] = (u8 *)heap.allocate("input of rank " + std::to_string(rank), size(), random.below(8));
            out[rank] = (u8 *)heap.allocate("output of rank " + std::to_string(rank), size(), random.below(8));
        }
        calls.resize(2 + random.below(7));
        if (stops) {
            stopped = random.below(WORLD_SIZE);
            from = random.below((u32)calls.size());
            machine.patience = PATIENCE + 1;
        }
        description = std::to_string(WORLD_SIZE) + " ranks" + (stops ? ", rank " + std::to_string(stopped) + " stops before call " + std::to_string(from) : "") + "; calls:";
        for (Call &call : calls)
            make(call, 1 + random.below(blocks), 1 + random.below(threads));
    }

    static u64 size() { return WORLD_SIZE * LONGEST; }

    void make(Call &call, u32 blocks, u32 threads)
    {
        static const char *const kinds[] = {"barrier", "all-gather", "all-gather in place", "all-to-all", "all-to-all-v", "broadcast", "gather", "scatter"};
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
            arguments.view = arena.view[rank];
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
        bool leaves = arena.has_left(rank);
        if (leaves && (stopped == WORLD_SIZE || number < from))
            fail(Verdict::WrongData, "rank %u has left in call %u, for no reason", rank, number);
        if (!leaves && stopped != WORLD_SIZE && number >= from)
            fail(Verdict::WrongData, "rank %u has not left in call %u, which rank %u never began", rank, number, stopped);
        std::vector<bool> written(size());
        for (u32 peer = 0; peer < WORLD_SIZE; peer++)
            for (u64 i = 0; i < to.receive_bytes[peer]; i++) {
                u64 at = to.receive_offset[peer] + i;
                u8 expected = call.data[peer][call.arguments[peer].input == in[peer] ? call.arguments[peer].send_offset[rank] + i : i];
                written[at] = true;
                if (out[rank][at] != expected && !(leaves && peer != rank && out[rank][at] == 0))
                    fail(Verdict::WrongData, "rank %u, call %u, byte %llu of rank %u's part is %02x and should be %02x", rank, number, i, peer, out[rank][at], expected);
            }
        for (u64 i = 0; i < size(); i++)
            if (!written[i] && out[rank][i] != UNTOUCHED && to.input == in[rank])
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu of its output", rank, number, i);
    }

    void run()
    {
        for (u32 rank = 0; rank < WORLD_SIZE; rank++)
            for (u32 number = 0; number < calls.size() && (rank != stopped || number < from); number++) {
                Launch launch;
                Call &call = calls[number];
                launch.kernel = [&call, rank] { exchange_parts(call.arguments[rank]); };
                launch.blocks = call.blocks;
                launch.threads = call.threads;
                launch.dependent = of.random.one_in(2);
                launch.delay = of.random.one_in(3) ? of.random.magnitude(12) : 0;
                launch.before = [this, rank, &call] { before(rank, call); };
                launch.after = [this, rank, number] { after(rank, number); };
                machine.enqueue(rank, std::move(launch));
                of.calls++;
            }
        machine.run();
        for (u32 rank = 0; rank < WORLD_SIZE; rank++)
            arena.check_end(rank, rank == stopped ? from : calls.size(), stopped, from);
        heap.check_guards();
    }
};

static void one_case(Case &of)
{
    u32 blocks = 1 + of.random.below(2), threads = 1 + of.random.below(WORLD_SIZE > 4 ? 3 : 5);
    Setting setting = of.setting(WORLD_SIZE, blocks, threads);
    setting.overlap = 2;
    machine.reset(setting);
    Exchanges(of, blocks, threads, of.random.one_in(8)).run();
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
