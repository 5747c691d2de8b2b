// What elements.cuh makes of bits and numbers, and what the emulator's primitives do, against the reference: every code, and floats of all kinds; every type under every operation.
#include "elements.cuh"
#include "harness/reference.hpp"
#include "harness/run.hpp"

using namespace emulator;

static u64 checked = 0;

template <typename Element>
static void packet_of(const Format &format, const float *value)
{
    const int count = Element::IN_CELL;
    float in[count], out[count];
    for (int i = 0; i < count; i++)
        in[i] = value[i];
    Packet packet = Element::pack(in);
    Element::unpack(packet, out);
    for (int i = 0; i < count; i++) {
        u64 got = format.read(&packet, i), wanted = format.encode(value[i]);
        checked++;
        if (!format.equal(got, wanted))
            fail(Verdict::WrongData, "%s: %.9g (%08x) becomes %llx and should be %llx", format.name, value[i], bits_of(value[i]), got, wanted);
        float back = (float)format.decode(wanted);
        if (bits_of(out[i]) != bits_of(back) && !(out[i] != out[i] && back != back))
            fail(Verdict::WrongData, "%s: %llx is %.9g and should be %.9g", format.name, wanted, out[i], back);
    }
}

template <typename Element>
static void element(Case &of, const char *name)
{
    const Format &format = format_of(name);
    const int count = Element::IN_CELL;
    u32 codes = format.bytes == 4 ? 1u << 16 : 1u << 8 * format.bytes;
    float value[count];
    // Every code, what lies halfway to the next one, and what is beside that.
    for (u32 code = 0; code < codes; code++) {
        u32 bits = format.bytes == 4 ? code << 16 : code;
        float here = (float)format.decode(bits), next = (float)format.decode(bits + 1);
        for (int i = 0; i < count; i++) {
            u32 halfway = bits_of((here + next) / 2);
            value[i] = i == 0 ? here : float_of(halfway + (u32)(i % 4) - 2);
        }
        packet_of<Element>(format, value);
        Packet packet = {};
        format.write(&packet, count - 1, bits);
        float out[count];
        Element::unpack(packet, out);
        if (bits_of(out[count - 1]) != bits_of(here) && !(here != here && out[count - 1] != out[count - 1]))
            fail(Verdict::WrongData, "%s: %x is %.9g and should be %.9g", name, bits, out[count - 1], here);
        // No number's word is poison in disguise, and NaNs stay NaNs.
        if (!format.is_nan(format.read(&packet, 0)) && packet.word[0] == ~0u)
            fail(Verdict::WrongData, "%s: the word of poison is a number", name);
    }
    u32 nan = Element::NOT_A_NUMBER;
    for (u32 i = 0; i < 4 / format.bytes; i++)
        if (nan == ~0u || !format.is_nan(format.read(&nan, i)))
            fail(Verdict::WrongData, "%s: NOT_A_NUMBER is %x", name, nan);
    for (int many = 0; many < 20000; many++) {
        for (int i = 0; i < count; i++)
            value[i] = many % 2 ? float_of((u32)of.random.next()) : (float)format.decode(format.any(of.random)) * (float)(1 + of.random.below(64)) / 16;
        packet_of<Element>(format, value);
    }
}

static void extremes(float left, float right)
{
    u64 bits[2] = {bits_of(left), bits_of(right)};
    const Format &format = format_of("Float32");
    checked++;
    if (!format.equal(bits_of(minimum(left, right)), reduce_reference(format, "Min", bits, 2)) || !format.equal(bits_of(maximum(left, right)), reduce_reference(format, "Max", bits, 2)))
        fail(Verdict::WrongData, "the minimum and maximum of %g and %g are %g and %g", left, right, minimum(left, right), maximum(left, right));
}

// From the caller's memory and back, of any address and length.
template <typename Element, typename Op>
static void combined(Case &of, const Format &format, const char *operation)
{
    typedef typename Element::Cell Cell;
    const int ranks = 3, in_cell = Element::IN_CELL;
    for (int many = 0; many < 2000; many++) {
        alignas(16) u8 memory[ranks + 1][32];
        u32 count = 1 + of.random.below(in_cell);
        Cell cell[ranks];
        for (int rank = 0; rank < ranks; rank++) {
            u8 *from = memory[rank] + of.random.below(in_cell) * format.bytes;
            for (u32 i = 0; i < count; i++)
                format.write(from, i, format.any(of.random));
            cell[rank] = read<Element>(from, 0, count);
            if (!has_come(cell[rank]))
                fail(Verdict::WrongData, "%s: what is sent looks like poison", format.name);
            memmove(memory[rank], from, count * format.bytes);
        }
        memset(memory[ranks], 0x5C, sizeof memory[ranks]);
        u8 *to = memory[ranks] + of.random.below(in_cell) * format.bytes;
        Cell result = reduce<ranks, Element, Op>(cell);
        if (!has_come(result))
            fail(Verdict::WrongData, "%s: a result looks like poison", format.name);
        write<Element>(to, 0, count, result);
        for (u32 i = 0; i < count; i++) {
            u64 elements[ranks], got = format.read(to, i);
            for (int rank = 0; rank < ranks; rank++)
                elements[rank] = format.read(memory[rank], i);
            u64 wanted = reduce_reference(format, operation, elements, ranks);
            checked++;
            if (!format.equal(got, wanted))
                fail(Verdict::WrongData, "%s, %s of %s, %s and %s is %s and should be %s", format.name, operation, format.text(elements[0]).c_str(), format.text(elements[1]).c_str(),
                     format.text(elements[2]).c_str(), format.text(got).c_str(), format.text(wanted).c_str());
        }
        for (u8 *at = memory[ranks]; at < memory[ranks] + sizeof memory[ranks]; at++)
            if ((at < to || at >= to + count * format.bytes) && *at != 0x5C)
                fail(Verdict::WrongData, "%s: %u elements are written beside their place", format.name, count);
    }
}

template <typename Element>
static void operations(Case &of, const char *name)
{
    const Format &format = format_of(name);
    if (format.bytes != sizeof(typename Element::Bits) || format.cell != Element::IN_CELL * format.bytes)
        fail(Verdict::WrongData, "%s: %d elements of %zu bytes in a cell", name, Element::IN_CELL, sizeof(typename Element::Bits));
    combined<Element, Sum>(of, format, "Sum");
    combined<Element, Product>(of, format, "Product");
    combined<Element, Average>(of, format, "Average");
    combined<Element, Min>(of, format, "Min");
    combined<Element, Max>(of, format, "Max");
    alignas(16) u8 left[16];
    write<Element>(left, 0, Element::IN_CELL, Nothing<Element>::cell());
    for (int i = 0; i < Element::IN_CELL; i++)
        if (!format.is_nothing(format.read(left, i)))
            fail(Verdict::WrongData, "%s: a call that failed leaves %s", name, format.text(format.read(left, i)).c_str());
}

static void one_case(Case &of)
{
    operations<Float32>(of, "Float32");
    operations<Float16>(of, "Float16");
    operations<BFloat16>(of, "BFloat16");
    operations<Float8E4M3>(of, "Float8E4M3");
    operations<Float8E5M2>(of, "Float8E5M2");
    operations<Float64>(of, "Float64");
    operations<Int8>(of, "Int8");
    operations<UInt8>(of, "UInt8");
    operations<Int32>(of, "Int32");
    operations<UInt32>(of, "UInt32");
    operations<Int64>(of, "Int64");
    operations<UInt64>(of, "UInt64");
    element<Float32>(of, "Float32");
    element<Float16>(of, "Float16");
    element<BFloat16>(of, "BFloat16");
    element<Float8E4M3>(of, "Float8E4M3");
    element<Float8E5M2>(of, "Float8E5M2");
    const float some[] = {0.0f, -0.0f, 1, -1, INFINITY, -INFINITY, NAN};
    for (float left : some)
        for (float right : some)
            extremes(left, right);
    for (u32 code = 0; code < 256; code++) {
        const Format &e4m3 = format_of("Float8E4M3"), &e5m2 = format_of("Float8E5M2");
        float four = float_of_half(halves_of_e4m3s(code | code << 8) >> 16), five = float_of_half(halves_of_e5m2s(code | code << 8) & 0xFFFF);
        if (!e4m3.equal(e4m3.encode(four), code) || !e4m3.equal(e4m3s_of(0, four) >> 8, code))
            fail(Verdict::WrongData, "the primitives take E4M3 %x for %g, and back for %x", code, four, e4m3s_of(0, four) >> 8);
        bool infinite = (code & 0x7F) == 0x7C;
        if (!infinite && (!e5m2.equal(e5m2.encode(five), code) || !e5m2.equal(e5m2s_of(five, 0) & 0xFF, code)))
            fail(Verdict::WrongData, "the primitives take E5M2 %x for %g, and back for %x", code, five, e5m2s_of(five, 0) & 0xFF);
    }
    of.calls = checked;
    checked = 0;
}

int main(int argc, char **argv) { return run(parse(argc, argv), one_case); }
