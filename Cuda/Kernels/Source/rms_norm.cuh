// What follows an all-reduce in a transformer layer: the residual is added, and the sum normalised over its row. x = sum + residual, rounded to the type, where sum is rounded to it too; y = x / sqrt(mean(x^2) + epsilon) *
// weight, rounded once. Either y as it is, or as e4m3: y / scale, with a scale that the caller gives or the row's own, max |y| / 448.
//
// A cluster of blocks does a row, often one of one block, and its number of threads follows from the row's length, however many blocks they come in: so every kernel that includes this gives the same bits. A block's is a
// multiple of 32, a cluster's at most 1024. Where blocks share a row, a cluster does one and no more. Block memory: BLOCK_WORDS for each row that is finished at a time, CLUSTER_WORDS where blocks share a row.
#pragma once
#include "elements.cuh"

enum Quantisation { NOT_QUANTISED, BY_GIVEN_SCALE, BY_ROW_SCALE };

#define LARGEST_E4M3 448.0f
#define BLOCK_WORDS 64
// Of over_row, in a launch: the squares and the largest.
#define USES 2
// For each use a counter and a word from each warp of the row.
#define CLUSTER_WORDS (USES * (2 + 32))

// Laid out as RmsNormArguments in C#. Rows follow each other without a gap and begin at any address that their type allows.
struct RmsNorm {
    const void *input;
    const void *residual;  // the same on all ranks
    const void *weight;    // a row's length
    void *sum;             // x; may be residual
    void *output;          // y, in ELEMENT's type, and then it may be input; or e4m3
    float *scale;          // BY_GIVEN_SCALE: one number; BY_ROW_SCALE: one a row, written
    u64 rows;
    u64 columns;
    float epsilon;
    u32 quantisation;
};

// Laid out as AllReduceRmsNormArguments in C#.
struct AllReduceRmsNorm {
    View view;
    RmsNorm norm;
};

template <typename Element, typename Memory>
DEVICE Memory *row_of(Memory *base, u64 row, u64 columns)
{
    return (Memory *)((u64)base + row * columns * sizeof(typename Element::Bits));
}

// A thread's own.
template <typename Element>
struct Normaliser {
    const RmsNorm &call;
    u32 cells;                                  // of a row
    u32 blocks = blocks_in_cluster();           // that share a row
    u32 threads = blocks * threads_in_block();  // so many as well
    u32 thread = block_in_cluster() * threads_in_block() + thread_in_block();
    Packet weight = {};                         // of the thread's first cell
    float scale = 1.0f;
    u32 turn = 0;                               // of over_row

    DEVICE Normaliser(const RmsNorm &call) : call(call), cells((u32)cells_of<Element>(call.columns))
    {
        if (blocks == 1)
            return;
        if (thread_in_block() == 0)
            for (u32 use = 0; use < USES; use++)
                expect_words(2 * use, threads / 32);
        cluster_arrive();
    }

    // The cluster's rows: its first one, and how many clusters there are.
    DEVICE u64 first_row() const { return block_in_grid() / blocks; }

    DEVICE u64 rows_at_once() const { return blocks_in_grid() / blocks; }

    // Once, for all rows: behind the pushes, which nothing should keep waiting, and before the polls, which hide it. So does the cluster's barrier: behind it words may be sent.
    DEVICE void read_weight()
    {
        if (blocks > 1)
            cluster_wait();
        weight = read<Element>(call.weight, thread, call.columns);
        scale = call.quantisation == BY_GIVEN_SCALE ? *call.scale : 1.0f;
    }

    DEVICE Packet residual(u64 row, u64 cell) const { return read<Element>(row_of<Element>(call.residual, row, call.columns), cell, call.columns); }

    DEVICE Packet input(u64 row, u64 cell) const { return read<Element>(row_of<Element>(call.input, row, call.columns), cell, call.columns); }

    DEVICE void write_sum(u64 row, u64 cell, Packet x) const { write<Element>(row_of<Element>(call.sum, row, call.columns), cell, call.columns, x); }

    DEVICE Packet read_sum(u64 row, u64 cell) const { return read<Element>(row_of<Element>(call.sum, row, call.columns), cell, call.columns); }

    DEVICE void normalise(u64 cell, Packet x, float factor, float (&y)[Element::IN_CELL]) const
    {
        float weights[Element::IN_CELL];
        Element::unpack(x, y);
        Element::unpack(cell == thread ? weight : read<Element>(call.weight, cell, call.columns), weights);
#pragma unroll
        for (int i = 0; i < Element::IN_CELL; i++)
            y[i] = y[i] * factor * weights[i];
    }

    DEVICE void write_e4m3(u64 row, u64 cell, const float (&y)[Element::IN_CELL], float scale) const
    {
        u64 first = cell * Element::IN_CELL;
        u8 *to = (u8 *)call.output + row * call.columns + first;
        bool whole = (u64)to % 4 == 0 && first + Element::IN_CELL <= call.columns;
#pragma unroll
        for (int word = 0; word < Element::IN_CELL / 4; word++) {
            u32 codes = 0;
#pragma unroll
            for (int i = 0; i < 4; i += 2)
                codes |= E4M3::encode(y[word * 4 + i] / scale, y[word * 4 + i + 1] / scale) << (i * 8);
            if (whole)
                ((u32 *)to)[word] = codes;
            else
#pragma unroll
                for (int i = 0; i < 4; i++)
                    if (first + word * 4 + i < call.columns)
                        to[word * 4 + i] = (u8)(codes >> (i * 8));
        }
    }
};

// Of every warp's lanes, at all of them.
template <typename Op, int N>
DEVICE void over_warp(float (&value)[N])
{
#pragma unroll
    for (u32 lanes = 16; lanes > 0; lanes /= 2)
#pragma unroll
        for (int n = 0; n < N; n++)
            value[n] = Op::combine(value[n], float_of(shuffle_xor(bits_of(value[n]), lanes)));
}

// In one block: each warp's number through its memory. Two places by turns: who writes to one of them again has passed the barrier of the use between, which every thread came to when it had read the words of the use before.
template <int N>
DEVICE void gather_in_block(float (&value)[N], u32 turn)
{
    u32 lane = thread_in_block() % 32, words = (turn & 1) * (BLOCK_WORDS / 2 * N);
    if (lane == 0)
#pragma unroll
        for (int n = 0; n < N; n++)
            store_block(words + n * (BLOCK_WORDS / 2) + thread_in_block() / 32, bits_of(value[n]));
    block_barrier();
#pragma unroll
    for (int n = 0; n < N; n++)
        value[n] = lane < threads_in_block() / 32 ? float_of(load_block(words + n * (BLOCK_WORDS / 2) + lane)) : 0.0f;
}

// In several blocks: each warp's number is sent to each of them. A word and its counter are used once in a launch.
template <typename Element>
DEVICE void gather_in_cluster(const Normaliser<Element> &own, float &value, u32 use)
{
    u32 lane = thread_in_block() % 32, words = 2 * USES + use * 32;
    if (lane < own.blocks)
        send_word(lane, words + own.thread / 32, 2 * use, bits_of(value));
    await_words(2 * use);
    value = lane < own.threads / 32 ? float_of(load_block(words + lane)) : 0.0f;
}

// The sum, or the maximum, of a number that is not negative of every thread of the row, at all of them, in an order that depends on their number alone; of N numbers at once, of one where blocks share a row.
template <typename Op, typename Element, int N>
DEVICE void over_row(Normaliser<Element> &own, float (&value)[N])
{
    u32 turn = own.turn++;
    over_warp<Op>(value);
    if (N > 1 || own.blocks == 1)
        gather_in_block(value, turn);
    else
        gather_in_cluster(own, value[0], turn);
    over_warp<Op>(value);
}

template <typename Element>
DEVICE Packet add_residual(Packet reduced, Packet residual)
{
    float sum[Element::IN_CELL], other[Element::IN_CELL];
    Element::unpack(reduced, sum);
    Element::unpack(residual, other);
#pragma unroll
    for (int i = 0; i < Element::IN_CELL; i++)
        sum[i] += other[i];
    return as_sent<Element>(Element::pack(sum));
}

template <typename Element>
DEVICE float add_squares(float squares, Packet x)
{
    float value[Element::IN_CELL];
    Element::unpack(x, value);
#pragma unroll
    for (int i = 0; i < Element::IN_CELL; i++)
        squares = multiply_add(value[i], value[i], squares);
    return squares;
}

// Of N rows, `apart` from each other, as far as they are there: their x has been written to call.sum, by this thread those cells that it has to do; first: the first of them, squares: of all of them.
template <typename Element, int N>
DEVICE void finish_rows(Normaliser<Element> &own, u64 row, u64 apart, const Packet (&first)[N], float (&squares)[N])
{
    const RmsNorm &call = own.call;
    float scale[N];
    over_row<Sum>(own, squares);
#pragma unroll
    for (int n = 0; n < N; n++) {
        squares[n] = 1.0f / square_root(squares[n] / (float)call.columns + call.epsilon);
        scale[n] = own.scale;
    }
    if (call.quantisation == BY_ROW_SCALE) {
        float largest[N] = {};
#pragma unroll
        for (int n = 0; n < N; n++)
            for (u32 i = own.thread; i < own.cells && row + n * apart < call.rows; i += own.threads) {
                float y[Element::IN_CELL];
                own.normalise(i, i == own.thread ? first[n] : own.read_sum(row + n * apart, i), squares[n], y);
#pragma unroll
                for (int k = 0; k < Element::IN_CELL; k++)
                    largest[n] = maximum(largest[n], y[k] < 0 ? -y[k] : y[k]);
            }
        over_row<Max>(own, largest);
#pragma unroll
        for (int n = 0; n < N; n++) {
            // A row of zeros has a scale too.
            scale[n] = largest[n] == 0 ? 1.0f : largest[n] / LARGEST_E4M3;
            if (own.thread == 0 && row + n * apart < call.rows)
                call.scale[row + n * apart] = scale[n];
        }
    }
#pragma unroll
    for (int n = 0; n < N; n++)
        for (u32 i = own.thread; i < own.cells && row + n * apart < call.rows; i += own.threads) {
            float y[Element::IN_CELL];
            own.normalise(i, i == own.thread ? first[n] : own.read_sum(row + n * apart, i), squares[n], y);
            if (call.quantisation == NOT_QUANTISED)
                write<Element>(row_of<Element>(call.output, row + n * apart, call.columns), i, call.columns, Element::pack(y));
            else
                own.write_e4m3(row + n * apart, i, y, scale[n]);
        }
}
