// Element types and operations: how elements travel, and how they are combined, in rank order. Small floats travel as they are, in Packets, and are combined in float; what has no bits to spare for POISON
// travels in Pairs, and is combined in its own type.
#pragma once
#include "arena.cuh"

// NOT_A_NUMBER: a word of NaNs that is not POISON. A sender writes it in place of a word that looks like POISON, which is NaNs too.
struct Float32 {
    typedef Packet Cell;
    typedef u32 Bits;
    typedef float Value;
    static const int IN_CELL = 4;
    static const u32 NOT_A_NUMBER = 0x7FFFFFFF;

    static DEVICE void unpack(const Packet &packet, float (&value)[4])
    {
#pragma unroll
        for (int i = 0; i < 4; i++)
            value[i] = float_of(packet.word[i]);
    }

    static DEVICE Packet pack(const float (&value)[4])
    {
        Packet packet;
#pragma unroll
        for (int i = 0; i < 4; i++)
            packet.word[i] = bits_of(value[i]);
        return packet;
    }
};

struct Float16 {
    typedef Packet Cell;
    typedef u16 Bits;
    typedef float Value;
    static const int IN_CELL = 8;
    static const u32 NOT_A_NUMBER = 0x7FFF7FFF;

    static DEVICE void unpack(const Packet &packet, float (&value)[8])
    {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            value[2 * i] = float_of_half(packet.word[i] & 0xFFFF);
            value[2 * i + 1] = float_of_half(packet.word[i] >> 16);
        }
    }

    static DEVICE Packet pack(const float (&value)[8])
    {
        Packet packet;
#pragma unroll
        for (int i = 0; i < 4; i++)
            packet.word[i] = halves_of(value[2 * i], value[2 * i + 1]);
        return packet;
    }
};

struct BFloat16 {
    typedef Packet Cell;
    typedef u16 Bits;
    typedef float Value;
    static const int IN_CELL = 8;
    static const u32 NOT_A_NUMBER = 0x7FFF7FFF;

    static DEVICE void unpack(const Packet &packet, float (&value)[8])
    {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            value[2 * i] = float_of(packet.word[i] << 16);
            value[2 * i + 1] = float_of(packet.word[i] & 0xFFFF0000);
        }
    }

    static DEVICE Packet pack(const float (&value)[8])
    {
        Packet packet;
#pragma unroll
        for (int i = 0; i < 4; i++)
            packet.word[i] = bfloat16s_of(value[2 * i], value[2 * i + 1]);
        return packet;
    }
};

// The 8-bit formats by integer arithmetic, for devices without instructions for them: bits of fraction, bias, the largest code that is a number.
template <int MANTISSA, int BIAS, u32 LARGEST, bool HAS_INFINITY>
struct Float8Bits {
    static DEVICE float decode(u32 code)
    {
        u32 sign = (code & 0x80) << 24, magnitude = code & 0x7F;
        if (magnitude > LARGEST)
            return float_of(sign | (HAS_INFINITY && magnitude == LARGEST + 1 ? 0x7F800000 : 0x7FFFFFFF));
        if (magnitude >> MANTISSA == 0)
            return float_of(sign | bits_of((float)magnitude * float_of((u32)(127 + 1 - BIAS - MANTISSA) << 23)));
        return float_of(sign | ((magnitude << (23 - MANTISSA)) + ((u32)(127 - BIAS) << 23)));
    }

    static DEVICE u32 encode(float value)
    {
        u32 bits = bits_of(value), sign = bits >> 24 & 0x80, magnitude = bits & 0x7FFFFFFF;
        if (magnitude > 0x7F800000)
            return 0x7F;
        u32 code;
        if (magnitude < (u32)(127 + 1 - BIAS) << 23) {
            // Adding a number whose last place is the format's smallest step makes the adder round; the last places are the code.
            u32 anchor = (u32)(127 + 23 + 1 - BIAS - MANTISSA) << 23;
            code = bits_of(float_of(magnitude) + float_of(anchor)) - anchor;
        } else
            code = ((magnitude + (1u << (22 - MANTISSA)) - 1 + (magnitude >> (23 - MANTISSA) & 1)) >> (23 - MANTISSA)) - ((u32)(127 - BIAS) << MANTISSA);
        return sign | (code < LARGEST ? code : LARGEST);
    }

    static DEVICE void decode(u32 pair, float &low, float &high)
    {
        low = decode(pair & 0xFF);
        high = decode(pair >> 8);
    }

    static DEVICE u32 encode(float low, float high) { return encode(low) | encode(high) << 8; }
};

#if HAS_FLOAT8
struct E4M3 {
    static DEVICE void decode(u32 pair, float &low, float &high)
    {
        u32 halves = halves_of_e4m3s(pair);
        low = float_of_half(halves & 0xFFFF);
        high = float_of_half(halves >> 16);
    }

    static DEVICE u32 encode(float low, float high) { return e4m3s_of(low, high); }
};

struct E5M2 {
    static DEVICE void decode(u32 pair, float &low, float &high)
    {
        u32 halves = halves_of_e5m2s(pair);
        low = float_of_half(halves & 0xFFFF);
        high = float_of_half(halves >> 16);
    }

    static DEVICE u32 encode(float low, float high) { return e5m2s_of(low, high); }
};
#else
typedef Float8Bits<3, 7, 0x7E, false> E4M3;
typedef Float8Bits<2, 15, 0x7B, true> E5M2;
#endif

template <typename Format>
struct Float8 {
    typedef Packet Cell;
    typedef u8 Bits;
    typedef float Value;
    static const int IN_CELL = 16;
    static const u32 NOT_A_NUMBER = 0x7F7F7F7F;

    static DEVICE void unpack(const Packet &packet, float (&value)[16])
    {
#pragma unroll
        for (int i = 0; i < 8; i++)
            Format::decode(packet.word[i / 2] >> (i % 2 * 16) & 0xFFFF, value[2 * i], value[2 * i + 1]);
    }

    static DEVICE Packet pack(const float (&value)[16])
    {
        Packet packet = {};
#pragma unroll
        for (int i = 0; i < 8; i++)
            packet.word[i / 2] |= Format::encode(value[2 * i], value[2 * i + 1]) << (i % 2 * 16);
        return packet;
    }
};

typedef Float8<E4M3> Float8E4M3;
typedef Float8<E5M2> Float8E5M2;

template <typename T>
DEVICE T value_of(u64 bits)
{
    return (T)bits;
}

template <>
DEVICE double value_of<double>(u64 bits) { return double_of(bits); }

// In as many bits as the type has, the others zeros.
template <typename T>
DEVICE u64 bits_of_value(T value)
{
    return (u64)value & (~0ull >> (64 - 8 * sizeof(T)));
}

template <>
DEVICE u64 bits_of_value(double value) { return bits_of(value); }

// As minimum and maximum of floats.
template <typename T>
DEVICE T minimum(T left, T right)
{
    return left < right ? left : right;
}

template <typename T>
DEVICE T maximum(T left, T right)
{
    return left > right ? left : right;
}

template <>
DEVICE double minimum(double left, double right) { return left != left ? left : right != right ? right : left == right ? double_of(bits_of(left) | bits_of(right)) : left < right ? left : right; }

template <>
DEVICE double maximum(double left, double right) { return left != left ? left : right != right ? right : left == right ? double_of(bits_of(left) & bits_of(right)) : left > right ? left : right; }

// Integers and doubles.
template <typename T>
struct Wide {
    typedef Pair Cell;
    typedef T Bits;
    typedef T Value;
    static const int IN_CELL = 8 / sizeof(T);

    static DEVICE void unpack(const Pair &cell, T (&value)[IN_CELL])
    {
        u64 bits = (u32)cell.word[0] | cell.word[1] << 32;
#pragma unroll
        for (int i = 0; i < IN_CELL; i++)
            value[i] = value_of<T>(bits >> (i * 8 * sizeof(T) % 64));
    }

    static DEVICE Pair pack(const T (&value)[IN_CELL])
    {
        u64 bits = 0;
#pragma unroll
        for (int i = 0; i < IN_CELL; i++)
            bits |= bits_of_value(value[i]) << (i * 8 * sizeof(T) % 64);
        return Pair{{(u32)bits, bits >> 32}};
    }
};

typedef Wide<signed char> Int8;
typedef Wide<u8> UInt8;
typedef Wide<int> Int32;
typedef Wide<u32> UInt32;
typedef Wide<long long> Int64;
typedef Wide<u64> UInt64;
typedef Wide<double> Float64;

// Wrapping around, which C++ leaves open for signed integers.
template <typename T>
DEVICE T add(T left, T right)
{
    return (T)(left + right);
}

template <>
DEVICE int add(int left, int right) { return (int)((u32)left + (u32)right); }

template <>
DEVICE long long add(long long left, long long right) { return (long long)((u64)left + (u64)right); }

template <typename T>
DEVICE T multiply(T left, T right)
{
    return (T)(left * right);
}

template <>
DEVICE int multiply(int left, int right) { return (int)((u32)left * (u32)right); }

template <>
DEVICE long long multiply(long long left, long long right) { return (long long)((u64)left * (u64)right); }

struct Sum {
    template <typename T>
    static DEVICE T combine(T left, T right) { return add(left, right); }
    template <typename T>
    static DEVICE T finish(T value, int) { return value; }
};

struct Product {
    template <typename T>
    static DEVICE T combine(T left, T right) { return multiply(left, right); }
    template <typename T>
    static DEVICE T finish(T value, int) { return value; }
};

struct Average {
    template <typename T>
    static DEVICE T combine(T left, T right) { return add(left, right); }
    template <typename T>
    static DEVICE T finish(T value, int ranks) { return (T)(value / (T)ranks); }
};

struct Min {
    template <typename T>
    static DEVICE T combine(T left, T right) { return minimum(left, right); }
    template <typename T>
    static DEVICE T finish(T value, int) { return value; }
};

struct Max {
    template <typename T>
    static DEVICE T combine(T left, T right) { return maximum(left, right); }
    template <typename T>
    static DEVICE T finish(T value, int) { return value; }
};

template <typename Element>
DEVICE u64 cells_of(u64 count)
{
    return (count + Element::IN_CELL - 1) / Element::IN_CELL;
}

// What may travel.
template <typename Element>
DEVICE Packet as_sent(Packet packet)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (packet.word[i] == POISON)
            packet.word[i] = Element::NOT_A_NUMBER;
    return packet;
}

template <typename Element>
DEVICE Pair as_sent(Pair pair)
{
    return pair;
}

// How the caller's memory is reached: that which nobody else touches during the call, and that which a peer stores to while this rank loads it.
struct Exclusive {
    static DEVICE Packet load(const Packet *from) { return read_packet(from); }
    template <typename Bits>
    static DEVICE Bits load(const Bits *from) { return *from; }
    static DEVICE void store(Packet *to, Packet value) { write_packet(to, value); }
    template <typename Bits>
    static DEVICE void store(Bits *to, Bits value) { *to = value; }
};

struct Common {
    template <typename Bits>
    static DEVICE Bits load(const Bits *from) { return load_relaxed(from); }
    template <typename Bits>
    static DEVICE void store(Bits *to, Bits value) { store_relaxed(to, value); }
};

// A cell's data in it, when it is all there and aligned.
template <typename Access>
DEVICE void read_cell(const void *from, Packet &cell)
{
    cell = Access::load((const Packet *)from);
}

template <typename Access>
DEVICE void read_cell(const void *from, Pair &cell)
{
    u64 bits = Access::load((const u64 *)from);
    cell = Pair{{(u32)bits, bits >> 32}};
}

template <typename Access>
DEVICE void write_cell(void *to, Packet cell)
{
    Access::store((Packet *)to, cell);
}

template <typename Access>
DEVICE void write_cell(void *to, Pair cell)
{
    Access::store((u64 *)to, (u32)cell.word[0] | cell.word[1] << 32);
}

// 32 bits of a cell's data.
DEVICE u32 word_of(const Packet &cell, int i) { return cell.word[i]; }

DEVICE u32 word_of(const Pair &cell, int i) { return (u32)cell.word[i]; }

DEVICE void add_to_word(Packet &cell, int i, u32 bits) { cell.word[i] |= bits; }

DEVICE void add_to_word(Pair &cell, int i, u32 bits) { cell.word[i] |= bits; }

// Cell number index of the caller's count elements, which begin at any address that their type allows; behind the last one are zeros. Ready to be sent.
template <typename Element, typename Access = Exclusive>
DEVICE typename Element::Cell read(const void *base, u64 index, u64 count)
{
    typedef typename Element::Cell Cell;
    const int BYTES = sizeof(typename Element::Bits), IN_CELL = Element::IN_CELL;
    u64 first = index * IN_CELL;
    const u8 *from = (const u8 *)base + first * BYTES;
    Cell cell = {};
    if ((u64)from % (IN_CELL * BYTES) == 0 && first + IN_CELL <= count)
        read_cell<Access>(from, cell);
    else if (BYTES == 8) {
        if (first < count)
            read_cell<Access>(from, cell);
    } else
#pragma unroll
        for (int i = 0; i < IN_CELL; i++)
            if (first + i < count)
                add_to_word(cell, i * BYTES / 4, BYTES == 4 ? Access::load((const u32 *)from + i) : BYTES == 2 ? (u32)Access::load((const u16 *)from + i) << (i * BYTES % 4 * 8) : (u32)Access::load(from + i) << (i * BYTES % 4 * 8));
    return as_sent<Element>(cell);
}

template <typename Element, typename Access = Exclusive>
DEVICE void write(void *base, u64 index, u64 count, typename Element::Cell cell)
{
    const int BYTES = sizeof(typename Element::Bits), IN_CELL = Element::IN_CELL;
    u64 first = index * IN_CELL;
    u8 *to = (u8 *)base + first * BYTES;
    if ((u64)to % (IN_CELL * BYTES) == 0 && first + IN_CELL <= count)
        write_cell<Access>(to, cell);
    else if (BYTES == 8) {
        if (first < count)
            write_cell<Access>(to, cell);
    } else
#pragma unroll
        for (int i = 0; i < IN_CELL; i++)
            if (first + i < count) {
                u32 bits = word_of(cell, i * BYTES / 4) >> (i * BYTES % 4 * 8);
                if (BYTES == 4)
                    Access::store((u32 *)to + i, bits);
                else if (BYTES == 2)
                    Access::store((u16 *)to + i, (u16)bits);
                else
                    Access::store(to + i, (u8)bits);
            }
}

// What a call that has failed leaves: NaNs, of integers zeros.
template <typename Element>
struct Nothing {
    static DEVICE Packet cell() { return Packet{{Element::NOT_A_NUMBER, Element::NOT_A_NUMBER, Element::NOT_A_NUMBER, Element::NOT_A_NUMBER}}; }
};

template <typename T>
struct Nothing<Wide<T>> {
    static DEVICE Pair cell() { return Pair{{0, 0}}; }
};

template <>
struct Nothing<Float64> {
    static DEVICE Pair cell() { return Pair{{0, 0x7FF80000}}; }
};

// ((x0 op x1) op x2) ...: the same bits wherever and whenever it is done.
template <int RANKS, typename Element, typename Op>
DEVICE typename Element::Cell reduce(const typename Element::Cell (&cell)[RANKS])
{
    typedef typename Element::Value Value;
    Value sum[Element::IN_CELL];
    Element::unpack(cell[0], sum);
#pragma unroll
    for (int r = 1; r < RANKS; r++) {
        Value value[Element::IN_CELL];
        Element::unpack(cell[r], value);
#pragma unroll
        for (int i = 0; i < Element::IN_CELL; i++)
            sum[i] = Op::combine(sum[i], value[i]);
    }
#pragma unroll
    for (int i = 0; i < Element::IN_CELL; i++)
        sum[i] = Op::finish(sum[i], RANKS);
    return as_sent<Element>(Element::pack(sum));
}
