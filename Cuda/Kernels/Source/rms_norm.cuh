// What follows an all-reduce in a transformer layer: the residual is added, and the sum normalised over the row. x = sum + residual, rounded; y = x / sqrt(mean(x^2) + epsilon) * weight, rounded once. Either y as it
// is, or as fp8: y / scale, with a scale that the caller gives or the row's own, max |y| / 448.
#pragma once
#include "elements.cuh"

enum Quantisation { NONE, STATIC_SCALE, ROW_SCALE };

// Laid out as AllReduceRmsNormArguments in C#. Rows follow each other without a gap; all pointers are multiples of 16, and so are a row's bytes.
struct AllReduceRmsNorm {
    View view;
    const void *input;
    const void *residual;   // the same on all ranks
    const void *weight;     // a row's length
    void *sum;              // x; may be residual
    void *output;           // y, in ELEMENT's type, or fp8
    float *scale;           // STATIC_SCALE: one number; ROW_SCALE: one a row, written
    u64 rows;
    u64 columns;
    float epsilon;
};

// The sum, or the maximum, of a number of every thread of the block, at all of them, in an order that depends on the block's size alone. The block's size is a multiple of 32.
template <typename Op>
DEVICE float over_block(float value)
{
#pragma unroll
    for (u32 lanes = 16; lanes > 0; lanes /= 2)
        value = Op::combine(value, float_of(shuffle_xor(bits_of(value), lanes)));
    u32 warps = threads_in_block() / 32;
    // The words of an earlier use have been read.
    block_barrier();
    if (thread_in_block() % 32 == 0)
        store_block(thread_in_block() / 32, bits_of(value));
    block_barrier();
    value = float_of(load_block(0));
    for (u32 warp = 1; warp < warps; warp++)
        value = Op::combine(value, float_of(load_block(warp)));
    return value;
}

// x of a cell, to be stored, and its squares.
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

template <typename Element>
DEVICE void normalise(const AllReduceRmsNorm &call, u64 cell, Packet x, float factor, float (&y)[Element::IN_CELL])
{
    float weight[Element::IN_CELL];
    Element::unpack(x, y);
    Element::unpack(read_packet((const Packet *)call.weight + cell), weight);
#pragma unroll
    for (int i = 0; i < Element::IN_CELL; i++)
        y[i] = y[i] * factor * weight[i];
}

template <typename Element>
DEVICE void write_float8(void *output, u64 cell, const float (&y)[Element::IN_CELL], float scale)
{
    u32 word[Element::IN_CELL / 4] = {};
#pragma unroll
    for (int i = 0; i < Element::IN_CELL / 2; i++)
        word[i / 2] |= E4M3::encode(y[2 * i] / scale, y[2 * i + 1] / scale) << (i % 2 * 16);
#pragma unroll
    for (int i = 0; i < Element::IN_CELL / 4; i++)
        ((u32 *)output)[cell * (Element::IN_CELL / 4) + i] = word[i];
}

// The row's x has been written to call.sum by this thread, cell by cell from `first` in steps of the block's size; squares is over those cells.
template <typename Element, int QUANTISATION>
DEVICE void finish_row(const AllReduceRmsNorm &call, u64 row, float squares)
{
    u64 cells = call.columns / Element::IN_CELL;
    float factor = 1.0f / square_root(over_block<Sum>(squares) / (float)call.columns + call.epsilon);
    float scale = 1.0f;
    if (QUANTISATION == STATIC_SCALE)
        scale = *call.scale;
    if (QUANTISATION == ROW_SCALE) {
        float largest = 0;
        for (u64 i = thread_in_block(); i < cells; i += threads_in_block()) {
            float y[Element::IN_CELL];
            normalise<Element>(call, i, read_packet((const Packet *)call.sum + row * cells + i), factor, y);
#pragma unroll
            for (int k = 0; k < Element::IN_CELL; k++)
                largest = maximum(largest, y[k] < 0 ? -y[k] : y[k]);
        }
        largest = over_block<Max>(largest);
        // A row of zeros has a scale too.
        scale = largest == 0 ? 1.0f : largest / 448.0f;
        if (thread_in_block() == 0)
            call.scale[row] = scale;
    }
    for (u64 i = thread_in_block(); i < cells; i += threads_in_block()) {
        float y[Element::IN_CELL];
        u64 cell = row * cells + i;
        normalise<Element>(call, i, read_packet((const Packet *)call.sum + cell), factor, y);
        if (QUANTISATION == NONE)
            write_packet((Packet *)call.output + cell, Element::pack(y));
        else
            write_float8<Element>(call.output, cell, y, scale);
    }
}
