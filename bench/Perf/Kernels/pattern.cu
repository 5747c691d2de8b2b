// What bench/Perf writes into device memory and how it counts what is wrong there: the same numbers as Pattern.cs. The subset of C++ that C shares, so that a CPU's
// compiler takes it too (tests/Stubs/cuda/stub_kernels.c). Everything is computed in double: each value is a small integer, or one divided by the rank count.
typedef unsigned long long u64;

enum { TYPE_INT8, TYPE_UINT8, TYPE_INT32, TYPE_UINT32, TYPE_INT64, TYPE_UINT64, TYPE_FLOAT16, TYPE_FLOAT32, TYPE_FLOAT64, TYPE_BFLOAT16, TYPE_FLOAT8E4M3, TYPE_FLOAT8E5M2 };
enum { OP_SUM, OP_PRODUCT, OP_MAX, OP_MIN, OP_AVERAGE, OP_MULSUM };

// Laid out as PatternArguments in PatternKernels.cs.
typedef struct Pattern {
    void *data;
    u64 count;         // elements
    u64 first;         // the index in a rank's input that data begins at
    u64 *wrong;        // count_wrong adds to it
    double tolerance;  // relative, absolute below 1
    int type, op;
    unsigned seed;
    int ranks;
    int rank;          // whose input; -1: what all ranks' inputs reduce to
} Pattern;

static unsigned start_of(unsigned seed, int rank) { return (seed * 668265263u + (unsigned)rank + 1u) * 374761393u; }

static bool is_unsigned(int type) { return type == TYPE_UINT8 || type == TYPE_UINT32 || type == TYPE_UINT64; }

static bool is_float8(int type) { return type == TYPE_FLOAT8E4M3 || type == TYPE_FLOAT8E5M2; }

static bool is_float(int type) { return type >= TYPE_FLOAT16; }

static double value_of(const Pattern *p, int rank, u64 index)
{
    unsigned hash = ((unsigned)index * 0x9E3779B1u) ^ ((unsigned)(index >> 32) * 0x27D4EB2Fu) ^ start_of(p->seed, rank);
    hash = (hash ^ (hash >> 15)) * 0x85EBCA77u;
    hash ^= hash >> 13;
    int low = is_unsigned(p->type) ? 0 : 1;
    if (p->op == OP_MAX || p->op == OP_MIN)
        return (int)(hash & 7) - 4 * low;
    int window = p->op == OP_MULSUM ? 4 : 8;
    if (p->ranks > window && (int)((index + (unsigned)rank) % (unsigned)p->ranks) >= window)
        return p->op == OP_PRODUCT;
    if (p->op == OP_PRODUCT)
        return (hash & 15) == 0 ? 2 : (hash & 15) == 1 && low ? -1 : 1;
    if (p->op == OP_AVERAGE)
        return ((int)(hash % (low ? 3 : 2)) - low) * (is_float(p->type) && (p->ranks & (p->ranks - 1)) == 0 ? 1 : p->ranks);
    return is_float8(p->type) ? (int)(hash % 3) - 1 : (int)(hash & 7) - 4 * low;
}

static double decode(unsigned code, int exponent_bits, int mantissa_bits)
{
    unsigned sign = code >> (exponent_bits + mantissa_bits), exponent = (code >> mantissa_bits) & ((1u << exponent_bits) - 1), mantissa = code & ((1u << mantissa_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1;
    // E4M3 has no infinity: its one NaN counts as the number that it would be, 480, which is no value of the pattern either.
    bool special = exponent_bits != 4 && exponent == (1u << exponent_bits) - 1;
    int power = special ? 1024 : (exponent == 0 ? 1 : (int)exponent) - bias;
    double unit = __longlong_as_double((long long)(u64)(power - mantissa_bits + 1023) << 52);
    double value = special ? __longlong_as_double(0x7FF8000000000000ll) : (mantissa + (exponent == 0 ? 0u : 1u << mantissa_bits)) * unit;
    return sign ? -value : value;
}

// To the nearest, ties to even; above the largest, the largest. What is no zero is at least 1/rank count here, which is normal in every type.
static unsigned encode(double value, int exponent_bits, int mantissa_bits)
{
    u64 bits = (u64)__double_as_longlong(value), magnitude = bits & 0x7FFFFFFFFFFFFFFFull;
    unsigned sign = (unsigned)(bits >> 63) << (exponent_bits + mantissa_bits);
    if (magnitude == 0)
        return 0;
    int shift = 52 - mantissa_bits, bias = (1 << (exponent_bits - 1)) - 1;
    u64 rounded = (magnitude + ((1ull << (shift - 1)) - 1) + ((magnitude >> shift) & 1)) >> shift;
    u64 code = rounded - ((u64)(1023 - bias) << mantissa_bits);
    u64 largest = ((1ull << (exponent_bits + mantissa_bits)) - 1) - (exponent_bits == 4 ? 1 : 1ull << mantissa_bits);
    return sign | (unsigned)(code > largest ? largest : code);
}

static double load(const void *data, u64 index, int type)
{
    switch (type) {
    case TYPE_INT8: return ((const signed char *)data)[index];
    case TYPE_UINT8: return ((const unsigned char *)data)[index];
    case TYPE_INT32: return ((const int *)data)[index];
    case TYPE_UINT32: return ((const unsigned *)data)[index];
    case TYPE_INT64: return (double)((const long long *)data)[index];
    case TYPE_UINT64: return (double)((const u64 *)data)[index];
    case TYPE_FLOAT16: return decode(((const unsigned short *)data)[index], 5, 10);
    case TYPE_FLOAT32: return ((const float *)data)[index];
    case TYPE_FLOAT64: return ((const double *)data)[index];
    case TYPE_BFLOAT16: return decode(((const unsigned short *)data)[index], 8, 7);
    case TYPE_FLOAT8E4M3: return decode(((const unsigned char *)data)[index], 4, 3);
    default: return decode(((const unsigned char *)data)[index], 5, 2);
    }
}

static void store(void *data, u64 index, int type, double value)
{
    switch (type) {
    case TYPE_INT8:
    case TYPE_UINT8: ((unsigned char *)data)[index] = (unsigned char)(long long)value; break;
    case TYPE_INT32:
    case TYPE_UINT32: ((unsigned *)data)[index] = (unsigned)(long long)value; break;
    case TYPE_INT64:
    case TYPE_UINT64: ((long long *)data)[index] = (long long)value; break;
    case TYPE_FLOAT16: ((unsigned short *)data)[index] = (unsigned short)encode(value, 5, 10); break;
    case TYPE_FLOAT32: ((float *)data)[index] = (float)value; break;
    case TYPE_FLOAT64: ((double *)data)[index] = value; break;
    case TYPE_BFLOAT16: ((unsigned short *)data)[index] = (unsigned short)encode(value, 8, 7); break;
    case TYPE_FLOAT8E4M3: ((unsigned char *)data)[index] = (unsigned char)encode(value, 4, 3); break;
    default: ((unsigned char *)data)[index] = (unsigned char)encode(value, 5, 2); break;
    }
}

// The value as an element of the type holds it: rounded, or wrapped.
static double stored(double value, int type)
{
    u64 element;
    store(&element, 0, type, value);
    return load(&element, 0, type);
}

static double expected_of(const Pattern *p, u64 index)
{
    if (p->rank >= 0)
        return stored(value_of(p, p->rank, index), p->type);
    double result = 0;
    for (int rank = 0; rank < p->ranks; rank++) {
        double value = stored(value_of(p, rank, index), p->type);
        if (p->op == OP_MULSUM)
            value *= 1 + (rank & 1);
        if (rank == 0)
            result = value;
        else if (p->op == OP_PRODUCT)
            result *= value;
        else if (p->op == OP_MAX)
            result = value > result ? value : result;
        else if (p->op == OP_MIN)
            result = value < result ? value : result;
        else
            result += value;
    }
    if (p->op != OP_AVERAGE)
        return stored(result, p->type);
    return is_float(p->type) ? stored(result / p->ranks, p->type) : (double)((long long)stored(result, p->type) / p->ranks);
}

#ifdef __cplusplus
extern "C" {
#endif

__global__ void fill_pattern(Pattern p)
{
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < p.count; i += gridDim.x * (u64)blockDim.x)
        store(p.data, i, p.type, value_of(&p, p.rank, p.first + i));
}

__global__ void count_wrong(Pattern p)
{
    u64 wrong = 0;
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < p.count; i += gridDim.x * (u64)blockDim.x) {
        double expected = expected_of(&p, p.first + i), difference = load(p.data, i, p.type) - expected, size = expected < 0 ? -expected : expected;
        if (!((difference < 0 ? -difference : difference) <= p.tolerance * (size < 1 ? 1 : size)))
            wrong++;
    }
    if (wrong != 0)
        atomicAdd(p.wrong, wrong);
}

#ifdef __cplusplus
}
#endif
