// Element types and operations: what a packet holds, and how packets are combined. Everything is added up in float, in rank order.
#pragma once
#include "device.cuh"

// NOT_A_NUMBER: a word of NaNs that is not POISON. A sender writes it in place of a word that looks like POISON, which is NaNs too.
struct Float32 {
    typedef u32 Bits;
    static const int IN_PACKET = 4;
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
    typedef u16 Bits;
    static const int IN_PACKET = 8;
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
    typedef u16 Bits;
    static const int IN_PACKET = 8;
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
    typedef u8 Bits;
    static const int IN_PACKET = 16;
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

struct Sum {
    static DEVICE float combine(float left, float right) { return left + right; }
    static DEVICE float finish(float value, int) { return value; }
};

struct Average {
    static DEVICE float combine(float left, float right) { return left + right; }
    static DEVICE float finish(float value, int ranks) { return value / (float)ranks; }
};

struct Min {
    static DEVICE float combine(float left, float right) { return minimum(left, right); }
    static DEVICE float finish(float value, int) { return value; }
};

struct Max {
    static DEVICE float combine(float left, float right) { return maximum(left, right); }
    static DEVICE float finish(float value, int) { return value; }
};

template <typename Element>
DEVICE u64 packets_of(u64 count)
{
    return (count + Element::IN_PACKET - 1) / Element::IN_PACKET;
}

// Packet number index of the caller's count elements, which begin at any address; behind the last one are zeros.
template <typename Element>
DEVICE Packet read_elements(const void *base, u64 index, u64 count)
{
    typedef typename Element::Bits Bits;
    u64 first = index * Element::IN_PACKET;
    const Bits *from = (const Bits *)base + first;
    if ((u64)from % sizeof(Packet) == 0 && first + Element::IN_PACKET <= count)
        return read_packet(from);
    Packet packet = {};
#pragma unroll
    for (int i = 0; i < Element::IN_PACKET; i++)
        if (first + i < count)
            packet.word[i * sizeof(Bits) / 4] |= (u32)from[i] << (i * sizeof(Bits) % 4 * 8);
    return packet;
}

template <typename Element>
DEVICE void write_elements(void *base, u64 index, u64 count, Packet packet)
{
    typedef typename Element::Bits Bits;
    u64 first = index * Element::IN_PACKET;
    Bits *to = (Bits *)base + first;
    if ((u64)to % sizeof(Packet) == 0 && first + Element::IN_PACKET <= count) {
        write_packet(to, packet);
        return;
    }
#pragma unroll
    for (int i = 0; i < Element::IN_PACKET; i++)
        if (first + i < count)
            to[i] = (Bits)(packet.word[i * sizeof(Bits) / 4] >> (i * sizeof(Bits) % 4 * 8));
}

// What may travel: no word is POISON.
template <typename Element>
DEVICE Packet without_poison(Packet packet)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (packet.word[i] == 0xFFFFFFFF)
            packet.word[i] = Element::NOT_A_NUMBER;
    return packet;
}

template <typename Element>
DEVICE Packet nans()
{
    return Packet{{Element::NOT_A_NUMBER, Element::NOT_A_NUMBER, Element::NOT_A_NUMBER, Element::NOT_A_NUMBER}};
}

// ((x0 op x1) op x2) ...: the same bits wherever and whenever it is done.
template <int RANKS, typename Element, typename Op>
DEVICE Packet reduce(const Packet (&packet)[RANKS])
{
    float sum[Element::IN_PACKET];
    Element::unpack(packet[0], sum);
#pragma unroll
    for (int r = 1; r < RANKS; r++) {
        float value[Element::IN_PACKET];
        Element::unpack(packet[r], value);
#pragma unroll
        for (int i = 0; i < Element::IN_PACKET; i++)
            sum[i] = Op::combine(sum[i], value[i]);
    }
#pragma unroll
    for (int i = 0; i < Element::IN_PACKET; i++)
        sum[i] = Op::finish(sum[i], RANKS);
    return Element::pack(sum);
}
