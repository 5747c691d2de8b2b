// What elements.cuh makes of bits and numbers, and what the emulator's primitives do, against the reference: every code, and floats of all kinds.
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
        u32 got = format.read(&packet, i), wanted = format.encode(value[i]);
        checked++;
        if (!format.equal(got, wanted))
            fail(Verdict::WrongData, "%s: %.9g (%08x) becomes %x and should be %x", format.name, value[i], bits_of(value[i]), got, wanted);
        float back = format.decode(wanted);
        if (bits_of(out[i]) != bits_of(back) && !(out[i] != out[i] && back != back))
            fail(Verdict::WrongData, "%s: %x is %.9g and should be %.9g", format.name, wanted, out[i], back);
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
        float here = format.decode(bits), next = format.decode(bits + 1);
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
            value[i] = many % 2 ? float_of((u32)of.random.next()) : format.decode(format.any(of.random)) * (float)(1 + of.random.below(64)) / 16;
        packet_of<Element>(format, value);
    }
}

static void extremes(float left, float right)
{
    u32 bits[2] = {bits_of(left), bits_of(right)};
    const Format &format = format_of("Float32");
    checked++;
    if (!format.equal(bits_of(minimum(left, right)), reduce_reference(format, "Min", bits, 2)) || !format.equal(bits_of(maximum(left, right)), reduce_reference(format, "Max", bits, 2)))
        fail(Verdict::WrongData, "the minimum and maximum of %g and %g are %g and %g", left, right, minimum(left, right), maximum(left, right));
}

static void one_case(Case &of)
{
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
