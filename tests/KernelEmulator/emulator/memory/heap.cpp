#include "heap.hpp"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include "../harness/failure.hpp"

namespace emulator {

Heap heap;

static const u8 GUARD = 0xA5;
static const u64 STEP = 256;

Heap::Heap()
{
    base = (u8 *)mmap(nullptr, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        perror("the emulated memory");
        exit(4);
    }
    piece_of.resize(BYTES / STEP);
}

void Heap::reset()
{
    memset(piece_of.data(), 0, used / STEP * sizeof(u16));
    pieces.clear();
    used = 0;
}

void *Heap::allocate(const std::string &name, u64 bytes, u32 offset)
{
    u64 begin = used + STEP + offset, end = begin + bytes, next = (end + STEP) / STEP * STEP;
    if (next > BYTES)
        fail(Verdict::Crash, "the case needs more than %llu bytes of emulated memory", BYTES);
    memset(base + used, GUARD, next - used);
    pieces.push_back({name, begin, end});
    for (u64 i = begin / STEP; i <= (end - 1) / STEP; i++)
        piece_of[i] = (u16)pieces.size();
    used = next;
    return base + begin;
}

void Heap::check(const void *address, u32 bytes, u32 alignment)
{
    u64 at = (u64)((const u8 *)address - base);
    if (at >= used || at + bytes > used || !piece_of[at / STEP])
        fail(Verdict::Crash, "%u bytes at %p lie in no memory of the case", bytes, address);
    const Piece &piece = pieces[piece_of[at / STEP] - 1];
    if (at < piece.begin || at + bytes > piece.end)
        fail(Verdict::Crash, "%u bytes at offset %lld of %s, which has %llu bytes", bytes, (long long)(at - piece.begin), piece.name.c_str(), piece.end - piece.begin);
    if (at % alignment != 0)
        fail(Verdict::Crash, "%u bytes at %s are not aligned to %u", bytes, name_of(address).c_str(), alignment);
}

std::string Heap::name_of(const void *address) const
{
    u64 at = (u64)((const u8 *)address - base);
    char text[96];
    if (at < used && piece_of[at / STEP]) {
        const Piece &piece = pieces[piece_of[at / STEP] - 1];
        snprintf(text, sizeof text, "%s+%lld", piece.name.c_str(), (long long)(at - piece.begin));
    } else
        snprintf(text, sizeof text, "%p", address);
    return text;
}

void Heap::check_guards() const
{
    u64 at = 0;
    for (u64 piece = 0; piece <= pieces.size(); piece++) {
        u64 until = piece < pieces.size() ? pieces[piece].begin : used;
        for (; at < until; at++)
            if (base[at] != GUARD)
                fail(Verdict::WrongData, "a byte was written %llu bytes %s %s", piece > 0 ? at - pieces[piece - 1].end : until - at, piece > 0 ? "behind" : "before",
                     pieces[piece > 0 ? piece - 1 : 0].name.c_str());
        if (piece < pieces.size())
            at = pieces[piece].end;
    }
}

}  // namespace emulator
