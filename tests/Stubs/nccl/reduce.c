/* Reductions in rank order. Types of 8 and 16 bits that are floats are added up as floats and rounded once; whole numbers wrap. */
#include "stub.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 512 };

static float s_half[65536], s_e4m3[256], s_e5m2[256];
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static float decode(unsigned code, int exponent_bits, int mantissa_bits, bool has_infinity)
{
    int bias = (1 << (exponent_bits - 1)) - 1, exponent = (int)(code >> mantissa_bits) & ((1 << exponent_bits) - 1);
    unsigned mantissa = code & ((1u << mantissa_bits) - 1), top = (1u << exponent_bits) - 1;
    float value;
    if (has_infinity && (unsigned)exponent == top)
        value = mantissa == 0 ? INFINITY : NAN;
    else if (!has_infinity && (unsigned)exponent == top && mantissa == (1u << mantissa_bits) - 1)
        value = NAN;
    else if (exponent == 0)
        value = ldexpf((float)mantissa, 1 - bias - mantissa_bits);
    else
        value = ldexpf((float)(mantissa + (1u << mantissa_bits)), exponent - bias - mantissa_bits);
    return code >> (exponent_bits + mantissa_bits) ? -value : value;
}

static void fill_tables(void)
{
    for (unsigned i = 0; i < 65536; i++)
        s_half[i] = decode(i, 5, 10, true);
    for (unsigned i = 0; i < 256; i++) {
        s_e4m3[i] = decode(i, 4, 3, false);
        s_e5m2[i] = decode(i, 5, 2, true);
    }
}

/* To the nearest, ties to even; what is too large becomes LARGEST, which is infinity's code or, for 8 bits, the largest number's. */
static unsigned encode(float value, int exponent_bits, int mantissa_bits, unsigned largest, unsigned nan)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned sign = bits >> 31 << (exponent_bits + mantissa_bits);
    uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return sign | nan;
    int bias = (1 << (exponent_bits - 1)) - 1, dropped = 23 - mantissa_bits;
    if (magnitude < (uint32_t)(128 - bias) << 23)
        return sign | (unsigned)lrintf(ldexpf(fabsf(value), bias - 1 + mantissa_bits));
    uint64_t rounded = (uint64_t)magnitude + (1u << (dropped - 1)) - 1 + (magnitude >> dropped & 1);
    uint64_t code = (rounded >> dropped) - ((uint64_t)(127 - bias) << mantissa_bits);
    return sign | (code > largest ? largest : (unsigned)code);
}

static float load_half(uint16_t code) { return s_half[code]; }
static uint16_t store_half(float value) { return (uint16_t)encode(value, 5, 10, 0x7C00, 0x7E00); }
static float load_e4m3(uint8_t code) { return s_e4m3[code]; }
static uint8_t store_e4m3(float value) { return (uint8_t)encode(value, 4, 3, 0x7E, 0x7F); }
static float load_e5m2(uint8_t code) { return s_e5m2[code]; }
static uint8_t store_e5m2(float value) { return (uint8_t)encode(value, 5, 2, 0x7B, 0x7F); }

static float load_bf16(uint16_t code)
{
    uint32_t bits = (uint32_t)code << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint16_t store_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

#define SAME(value) (value)

/* One function a type: T in memory, A while adding up. */
#define REDUCE(name, T, A, LOAD, STORE) \
    static void name(T *out, const T *const *inputs, int count, size_t elements, int op, const uint64_t *scales) \
    { \
        A sums[BLOCK]; \
        for (size_t base = 0; base < elements; base += BLOCK) { \
            size_t n = elements - base < BLOCK ? elements - base : BLOCK; \
            for (int r = 0; r < count; r++) { \
                const T *in = inputs[r] + base; \
                A scale = 1; \
                if (scales != NULL) { \
                    T raw; \
                    memcpy(&raw, &scales[r], sizeof raw); \
                    scale = LOAD(raw); \
                } \
                if (r == 0 && scales == NULL) \
                    for (size_t i = 0; i < n; i++) sums[i] = LOAD(in[i]); \
                else if (r == 0) \
                    for (size_t i = 0; i < n; i++) sums[i] = (A)(LOAD(in[i]) * scale); \
                else if (scales != NULL) \
                    for (size_t i = 0; i < n; i++) sums[i] = (A)(sums[i] + LOAD(in[i]) * scale); \
                else if (op == ncclSum || op == ncclAvg) \
                    for (size_t i = 0; i < n; i++) sums[i] = (A)(sums[i] + LOAD(in[i])); \
                else if (op == ncclProd) \
                    for (size_t i = 0; i < n; i++) sums[i] = (A)(sums[i] * LOAD(in[i])); \
                else if (op == ncclMax) \
                    for (size_t i = 0; i < n; i++) sums[i] = LOAD(in[i]) > sums[i] ? LOAD(in[i]) : sums[i]; \
                else \
                    for (size_t i = 0; i < n; i++) sums[i] = LOAD(in[i]) < sums[i] ? LOAD(in[i]) : sums[i]; \
            } \
            if (op == ncclAvg) \
                for (size_t i = 0; i < n; i++) sums[i] = (A)(sums[i] / (A)count); \
            for (size_t i = 0; i < n; i++) \
                out[base + i] = STORE(sums[i]); \
        } \
    }

REDUCE(reduce_int8, int8_t, int8_t, SAME, SAME)
REDUCE(reduce_uint8, uint8_t, uint8_t, SAME, SAME)
REDUCE(reduce_int32, int32_t, int32_t, SAME, SAME)
REDUCE(reduce_uint32, uint32_t, uint32_t, SAME, SAME)
REDUCE(reduce_int64, int64_t, int64_t, SAME, SAME)
REDUCE(reduce_uint64, uint64_t, uint64_t, SAME, SAME)
REDUCE(reduce_half, uint16_t, float, load_half, store_half)
REDUCE(reduce_float, float, float, SAME, SAME)
REDUCE(reduce_double, double, double, SAME, SAME)
REDUCE(reduce_bf16, uint16_t, float, load_bf16, store_bf16)
REDUCE(reduce_e4m3, uint8_t, float, load_e4m3, store_e4m3)
REDUCE(reduce_e5m2, uint8_t, float, load_e5m2, store_e5m2)

size_t stub_type_size(int type)
{
    static const size_t sizes[TYPES] = { 1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1 };
    return sizes[type];
}

void stub_reduce(void *out, const void *const *inputs, int count, size_t elements, int type, int op, const uint64_t *scales)
{
    pthread_once(&s_once, fill_tables);
#define CASE(type, function, T) case type: function((T *)out, (const T *const *)inputs, count, elements, op, scales); break
    switch (type) {
    CASE(ncclInt8, reduce_int8, int8_t);
    CASE(ncclUint8, reduce_uint8, uint8_t);
    CASE(ncclInt32, reduce_int32, int32_t);
    CASE(ncclUint32, reduce_uint32, uint32_t);
    CASE(ncclInt64, reduce_int64, int64_t);
    CASE(ncclUint64, reduce_uint64, uint64_t);
    CASE(ncclFloat16, reduce_half, uint16_t);
    CASE(ncclFloat32, reduce_float, float);
    CASE(ncclFloat64, reduce_double, double);
    CASE(ncclBfloat16, reduce_bf16, uint16_t);
    CASE(ncclFloat8e4m3, reduce_e4m3, uint8_t);
    CASE(ncclFloat8e5m2, reduce_e5m2, uint8_t);
    default: break;
    }
}
