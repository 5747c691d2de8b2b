// All-reduces with residual and RMSNorm, by whichever kernel: consecutive calls of other shapes, types of output and grids, in place or not.
// Included by programs behind their kernel: it needs rms_norm.cuh and the program's macros.
#pragma once
#include <cfloat>
#include <cmath>
#include "reference.hpp"
#include "sequence.hpp"

using namespace emulator;

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static const u8 UNTOUCHED = 0x5C;
static const u32 MOST_ROWS = 4, MOST_COLUMNS = 48 * ELEMENT::IN_CELL;

struct Call {
    RmsNorm arguments[MAX_RANKS];
    std::vector<u8> input[MAX_RANKS], residual, weight;
    float scale;
    u32 rows, columns, blocks, threads, cluster, quantisation;
    bool in_place, residual_in_place;
};

// What the grids of a case may be. In clusters of several blocks rows are spread over up to 4 of a warp, otherwise a block of one warp or two does a row.
struct Grids {
    u32 blocks;
    u32 rows;  // that a block finishes at a time
    bool clusters;
};

struct RmsNorms {
    Case &of;
    const Grids grids;
    const Format &format = format_of(TEXT(ELEMENT)), &e4m3 = format_of("Float8E4M3");
    std::vector<Call> calls;
    Sequence sequence;
    u8 *in[MAX_RANKS], *res[MAX_RANKS], *weight[MAX_RANKS], *sum[MAX_RANKS], *out[MAX_RANKS];
    float *scale[MAX_RANKS];

    // half_cells: what a call of so many rows and cells takes of a half.
    RmsNorms(Case &of, u64 half_cells, Grids grids) : of(of), grids(grids), calls(2 + of.random.below(4)), sequence(of, WORLD_SIZE, (u32)calls.size(), half_cells * sizeof(Packet))
    {
        Random &random = of.random;
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            in[rank] = allocate("input", rank, format.bytes);
            res[rank] = allocate("residual", rank, format.bytes);
            weight[rank] = allocate("weight", rank, format.bytes);
            sum[rank] = allocate("sum", rank, format.bytes);
            out[rank] = allocate("output", rank, format.bytes);
            scale[rank] = (float *)heap.allocate("scales of rank " + std::to_string(rank), MOST_ROWS * sizeof(float));
        }
        description = std::string(format.name) + ", " + std::to_string(WORLD_SIZE) + " ranks" + sequence.text() + "; calls:";
        for (Call &call : calls)
            make(call, 1 + random.below(grids.blocks));
    }

    u8 *allocate(const char *what, u32 rank, u32 alignment)
    {
        return (u8 *)heap.allocate(std::string(what) + " of rank " + std::to_string(rank), size(), of.random.one_in(2) ? 0 : of.random.below(16 / alignment) * alignment);
    }

    u64 size() const { return (u64)MOST_ROWS * MOST_COLUMNS * format.bytes; }

    // One row in four of whatever there is, poison and infinities too; the others of numbers that have a norm.
    void fill(std::vector<u8> &data, u32 rows, u32 columns, bool tame = false)
    {
        Random &random = of.random;
        data.resize((u64)rows * columns * format.bytes);
        for (u32 row = 0; row < rows; row++) {
            bool wild = !tame && random.one_in(4);
            for (u32 i = 0; i < columns; i++) {
                u64 bits = format.any(random);
                format.write(data.data(), (u64)row * columns + i, wild ? bits : format.encode((std::ldexp((double)(random.next() >> 11), -53) - 0.5) * 16));
            }
        }
    }

    void make(Call &call, u32 blocks)
    {
        Random &random = of.random;
        call.rows = 1 + random.below(MOST_ROWS);
        call.columns = random.one_in(8) ? MOST_COLUMNS - random.below(2 * ELEMENT::IN_CELL) : 1 + random.below(random.one_in(8) ? MOST_COLUMNS : 4 * ELEMENT::IN_CELL);
        call.blocks = blocks;
        // The kernels' host takes a thread a cell; here rows go round in one warp too.
        call.threads = !grids.clusters && random.one_in(8) ? 64 : 32;
        call.cluster = 1;
        if (grids.clusters && !random.one_in(4)) {
            // At most a row for each cluster.
            call.cluster = grids.blocks == 4 && random.one_in(2) ? 4 : 2;
            call.blocks = (1 + random.below(grids.blocks / call.cluster)) * call.cluster;
            call.rows = 1 + random.below(call.blocks / call.cluster);
        }
        call.quantisation = random.below(3);
        call.in_place = call.quantisation == NOT_QUANTISED && random.one_in(3);
        call.residual_in_place = random.one_in(2);
        call.scale = std::ldexp(1.0f + (float)random.below(16) / 16, (int)random.below(5) - 4);
        description += " " + std::to_string(call.rows) + "x" + std::to_string(call.columns) + " quantised " + std::to_string(call.quantisation) + (call.in_place ? " in place" : "") + " by " + std::to_string(call.blocks) + "x" + std::to_string(call.threads) +
                       (call.cluster > 1 ? " in clusters of " + std::to_string(call.cluster) : "") + ";";
        fill(call.residual, call.rows, call.columns);
        fill(call.weight, 1, call.columns, true);
        for (u32 rank = 0; rank < WORLD_SIZE; rank++) {
            fill(call.input[rank], call.rows, call.columns);
            RmsNorm &to = call.arguments[rank];
            to.input = in[rank];
            to.residual = res[rank];
            to.weight = weight[rank];
            to.sum = call.residual_in_place ? res[rank] : sum[rank];
            to.output = call.in_place ? in[rank] : out[rank];
            to.scale = call.quantisation == NOT_QUANTISED ? nullptr : scale[rank];
            to.rows = call.rows;
            to.columns = call.columns;
            to.epsilon = 1.0f / 1024;
            to.quantisation = call.quantisation;
        }
    }

    void before(u32 rank, const Call &call)
    {
        for (u8 *buffer : {in[rank], res[rank], weight[rank], sum[rank], out[rank]})
            memset(buffer, UNTOUCHED, size());
        memcpy(in[rank], call.input[rank].data(), call.input[rank].size());
        memcpy(res[rank], call.residual.data(), call.residual.size());
        memcpy(weight[rank], call.weight.data(), call.weight.size());
        memset(scale[rank], UNTOUCHED, MOST_ROWS * sizeof(float));
        if (call.quantisation == BY_GIVEN_SCALE)
            scale[rank][0] = call.scale;
    }

    // The place of a number among all numbers of its format, so that neighbours differ by 1.
    static long long place_of(const Format &format, u64 bits)
    {
        u64 sign = 1ull << (format.exponent + format.fraction);
        return bits & sign ? -(long long)(bits & (sign - 1)) : (long long)bits;
    }

    void wrong(u32 rank, u32 number, const char *what, u64 row, u64 column, const Format &format, u64 got, u64 wanted)
    {
        fail(Verdict::WrongData, "rank %u, call %u, %s of row %llu, column %llu is %s and should be %s", rank, number, what, row, column, format.text(got).c_str(), format.text(wanted).c_str());
    }

    void check_row(u32 rank, u32 number, const Call &call, u64 row)
    {
        const RmsNorm &to = call.arguments[rank];
        double squares = 0, largest = 0;
        bool has_nan = false, leaves = sequence.has_left(rank), left = sequence.had_left(rank);
        std::vector<double> y(call.columns);
        for (u64 i = 0; i < call.columns; i++) {
            u64 elements[WORLD_SIZE], at = row * call.columns + i;
            for (u32 peer = 0; peer < WORLD_SIZE; peer++)
                elements[peer] = format.read(call.input[peer].data(), at);
            u64 reduced = reduce_reference(format, "Sum", elements, WORLD_SIZE), wanted = format.encode((float)((float)format.decode(reduced) + (float)format.decode(format.read(call.residual.data(), at)))), got = format.read(to.sum, at);
            if (leaves ? !format.is_nothing(got) && (left || !format.equal(got, wanted)) : !format.equal(got, wanted))
                wrong(rank, number, "the sum", row, i, format, got, wanted);
            // What goes on from here is by the sum as it was found: it is right, or nothing.
            double x = format.decode(got);
            has_nan |= std::isnan(x);
            squares += x * x;
            y[i] = x;
        }
        // Where float has other numbers than double.
        if (!has_nan && (squares > FLT_MAX / 16 || (squares > 0 && squares < FLT_MIN * 1e8)))
            return;
        double factor = 1 / std::sqrt(squares / call.columns + 1.0 / 1024), divisor = call.quantisation == BY_GIVEN_SCALE ? call.scale : 1;
        for (u64 i = 0; i < call.columns; i++) {
            y[i] *= factor * format.decode(format.read(call.weight.data(), i));
            largest = std::isnan(y[i]) || std::isnan(largest) ? NAN : std::max(largest, std::fabs(y[i]));
        }
        if (call.quantisation == BY_ROW_SCALE) {
            divisor = largest == 0 ? 1 : largest / 448;
            double got = to.scale[row];
            bool nothing = leaves && std::isnan(got);
            if (!nothing && (std::isnan(divisor) ? !std::isnan(got) : divisor < FLT_MAX && divisor > FLT_MIN && std::fabs(got - divisor) > divisor * 1e-5))
                fail(Verdict::WrongData, "rank %u, call %u, the scale of row %llu is %g and should be %g", rank, number, row, got, divisor);
            divisor = got;
        }
        const Format &output = call.quantisation == NOT_QUANTISED ? format : e4m3;
        if (divisor > FLT_MAX || std::fabs(largest) > FLT_MAX / 1e4)
            return;
        for (u64 i = 0; i < call.columns; i++) {
            u64 got = output.read(to.output, row * call.columns + i), wanted = output.encode(call.quantisation == NOT_QUANTISED ? y[i] : std::fmax(-448, std::fmin(448, y[i] / divisor)));
            if (std::isnan(y[i] / divisor))
                wanted = output.encode(NAN);
            // The two-shot kernel may have a row's sum and leave before it normalises.
            if (leaves && output.is_nan(got))
                continue;
            long long steps = std::llabs(place_of(output, got) - place_of(output, wanted));
            bool near = format.bytes == 4 && call.quantisation == NOT_QUANTISED ? std::fabs(output.decode(got) - y[i]) <= 1e-5 * std::fabs(y[i]) + 1e-37 : steps <= 1;
            if (output.is_nan(got) != output.is_nan(wanted) || (!output.is_nan(got) && !near))
                wrong(rank, number, "the output", row, i, output, got, wanted);
        }
    }

    void after(u32 rank, u32 number)
    {
        const Call &call = calls[number];
        const RmsNorm &to = call.arguments[rank];
        for (u64 row = 0; row < call.rows; row++)
            check_row(rank, number, call, row);
        untouched(rank, number, "its sum", to.sum, call.rows * call.columns * format.bytes);
        untouched(rank, number, "its output", to.output, call.rows * call.columns * (call.quantisation == NOT_QUANTISED ? format.bytes : 1));
        if (!call.in_place && memcmp(in[rank], call.input[rank].data(), call.input[rank].size()) != 0)
            fail(Verdict::WrongData, "rank %u, call %u wrote to its input", rank, number);
        if (!call.residual_in_place && memcmp(res[rank], call.residual.data(), call.residual.size()) != 0)
            fail(Verdict::WrongData, "rank %u, call %u wrote to its residual", rank, number);
        if (memcmp(weight[rank], call.weight.data(), call.weight.size()) != 0)
            fail(Verdict::WrongData, "rank %u, call %u wrote to its weight", rank, number);
        untouched(rank, number, "its scales", scale[rank], (call.quantisation == NOT_QUANTISED ? 0 : call.quantisation == BY_GIVEN_SCALE ? 1 : call.rows) * sizeof(float), MOST_ROWS * sizeof(float));
    }

    void untouched(u32 rank, u32 number, const char *what, const void *buffer, u64 begin, u64 end = 0)
    {
        for (u64 i = begin; i < (end == 0 ? size() : end); i++)
            if (((const u8 *)buffer)[i] != UNTOUCHED)
                fail(Verdict::WrongData, "rank %u, call %u wrote byte %llu behind %s", rank, number, i - begin, what);
    }

    void run(void (*kernel)(const View &view, const RmsNorm &norm))
    {
        sequence.run([this, kernel](u32 rank, u32 number) {
            Launch launch;
            Call &call = calls[number];
            launch.kernel = [this, kernel, &call, rank] { kernel(sequence.view(rank), call.arguments[rank]); };
            launch.blocks = call.blocks;
            launch.threads = call.threads;
            launch.cluster = call.cluster;
            launch.block_words = call.cluster > 1 ? CLUSTER_WORDS : BLOCK_WORDS * grids.rows;
            launch.dependent = of.random.one_in(2);
            launch.before = [this, rank, &call] { before(rank, call); };
            launch.after = [this, rank, number] { after(rank, number); };
            return launch;
        });
    }
};

// Cells of the largest call.
static const u64 MOST_CELLS = (u64)MOST_ROWS * (MOST_COLUMNS / ELEMENT::IN_CELL);

static Grids begin(Case &of, bool takes_clusters)
{
    Grids grids;
    grids.rows = takes_clusters ? 1 : WORLD_SIZE;
    grids.clusters = takes_clusters && of.random.one_in(2);
    grids.blocks = grids.clusters ? (WORLD_SIZE > 4 ? 2 : 4) : WORLD_SIZE > 4 ? 1 : 1 + of.random.below(2);
    Setting setting = of.setting(WORLD_SIZE, grids.blocks, grids.clusters ? 32 : 64);
    setting.overlap = 2;
    machine.reset(setting);
    return grids;
}
