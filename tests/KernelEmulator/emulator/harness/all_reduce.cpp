#include "all_reduce.hpp"

namespace emulator {

static const u8 UNTOUCHED = 0x5C;

AllReduces::AllReduces(Case &of, u32 ranks, const char *element, const char *operation, u64 largest, u64 half_bytes, u32 blocks, u32 threads, bool dependent)
    : of(of), ranks(ranks), format(format_of(element)), operation(operation), largest(largest), dependent(dependent)
{
    Random &random = of.random;
    Setting setting = of.setting(ranks, blocks, threads);
    setting.overlap = dependent ? 2 : 1;
    machine.reset(setting);
    u32 number = 2 + random.below(7);
    sequence.emplace(of, ranks, number, half_bytes);

    u32 pairs = 1 + random.below(3);
    for (u32 rank = 0; rank < ranks; rank++)
        for (u32 pair = 0; pair < pairs; pair++) {
            std::string name = " " + std::to_string(pair) + " of rank " + std::to_string(rank);
            bool in_place = random.one_in(3);
            Buffers made;
            made.input = (u8 *)heap.allocate("input" + name, largest * format.bytes, random.one_in(2) ? 0 : random.below(16 / format.bytes) * format.bytes);
            made.output = in_place ? made.input : (u8 *)heap.allocate("output" + name, largest * format.bytes, random.one_in(2) ? 0 : random.below(16 / format.bytes) * format.bytes);
            buffers[rank].push_back(made);
        }
    for (u32 call = 0; call < number; call++) {
        Call next = {1 + (random.one_in(2) ? random.below((u32)largest) : random.magnitude(63 - __builtin_clzll(largest | 1)) - 1), 1 + random.below(blocks), 1 + random.below(threads), random.below(pairs)};
        next.count = next.count < largest ? next.count : largest;
        // A graph's replay: the same arguments, other data.
        calls.push_back(call > 0 && random.one_in(4) ? calls.back() : next);
        make_inputs(call);
    }
    description = std::string(element) + ", " + operation + ", " + std::to_string(ranks) + " ranks" + sequence->text() + "; calls:";
    for (const Call &call : calls)
        description += " " + std::to_string(call.count) + " elements by " + std::to_string(call.blocks) + "x" + std::to_string(call.threads) + (&call == &calls.back() ? "" : ",");
}

void AllReduces::make_inputs(u32 call)
{
    u64 count = calls[call].count;
    inputs.emplace_back(ranks, std::vector<u8>(count * format.bytes));
    for (u32 rank = 0; rank < ranks; rank++) {
        std::vector<u8> &input = inputs[call][rank];
        for (u64 i = 0; i < count; i++)
            format.write(input.data(), i, format.any(of.random));
        // Whole words that look like poison.
        for (u64 i = 0; i + 4 <= input.size(); i += 4)
            if (of.random.one_in(8))
                memset(&input[i], 0xFF, 4);
    }
    expected.emplace_back();
    for (u64 i = 0; i < count; i++) {
        u64 elements[MAX_RANKS];
        for (u32 rank = 0; rank < ranks; rank++)
            elements[rank] = element_of(call, rank, i);
        expected[call].push_back(reduce_reference(format, operation, elements, ranks));
    }
}

void AllReduces::before(u32 rank, u32 call)
{
    const Buffers &pair = buffers[rank][calls[call].pair];
    memset(pair.output, UNTOUCHED, largest * format.bytes);
    memcpy(pair.input, inputs[call][rank].data(), inputs[call][rank].size());
}

void AllReduces::after(u32 rank, u32 call)
{
    const u8 *output = buffers[rank][calls[call].pair].output;
    u64 count = calls[call].count, in_cell = format.cell / format.bytes;
    for (u64 cell = 0; cell * in_cell < count; cell++) {
        u64 begin = cell * in_cell, end = begin + in_cell < count ? begin + in_cell : count;
        bool nothing = true;
        for (u64 i = begin; i < end; i++)
            nothing &= format.is_nothing(format.read(output, i));
        // A rank that leaves says so in every number that it does not have.
        if (nothing && sequence->has_left(rank))
            continue;
        for (u64 i = begin; i < end; i++) {
            u64 got = format.read(output, i);
            if (sequence->had_left(rank))
                fail(Verdict::WrongData, "rank %u had left before call %u, whose element %llu is %s", rank, call, i, format.text(got).c_str());
            if (!format.equal(got, expected[call][i]))
                fail(Verdict::WrongData, "rank %u, call %u, element %llu of %llu is %s and should be %s", rank, call, i, count, format.text(got).c_str(), format.text(expected[call][i]).c_str());
        }
    }
    for (u64 i = count * format.bytes; i < largest * format.bytes; i++)
        if (output[i] != UNTOUCHED)
            fail(Verdict::WrongData, "rank %u, call %u of %llu bytes wrote byte %llu", rank, call, count * format.bytes, i);
}

void AllReduces::run(const Kernel &kernel)
{
    sequence->run([this, &kernel](u32 rank, u32 call) {
        const Call &what = calls[call];
        const Buffers pair = buffers[rank][what.pair];
        const View &view = sequence->view(rank);
        Launch launch;
        launch.kernel = [&view, pair, &what, &kernel] { kernel(view, pair.input, pair.output, what.count); };
        launch.blocks = what.blocks;
        launch.threads = what.threads;
        launch.dependent = dependent;
        launch.before = [this, rank, call] { before(rank, call); };
        launch.after = [this, rank, call] { after(rank, call); };
        return launch;
    });
}

}  // namespace emulator
