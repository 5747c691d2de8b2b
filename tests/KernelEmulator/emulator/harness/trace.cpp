#include "trace.hpp"
#include <cstdio>
#include <cstring>
#include "../machine/machine.hpp"
#include "../memory/heap.hpp"

namespace emulator {

Trace trace;

void Trace::add(Thread &thread, const void *address, const u32 *value, u32 words, const char *note)
{
    // Of a thread's polls that give the same only the first is kept.
    u64 hash = (u64)address ^ (u64)thread.place.line << 48;
    for (u32 i = 0; i < words; i++)
        hash = (hash ^ value[i]) * 0x9E3779B97F4A7C15;
    u64 &last = thread.traced[(u64)address / 16 % 16];
    if (last == hash && address && !all)
        return;
    last = hash;
    Entry &entry = entries[count++ % KEPT];
    entry.step = machine.steps;
    entry.address = address;
    entry.place = thread.place;
    entry.rank = thread.rank;
    entry.block = thread.block->index;
    entry.thread = thread.index;
    entry.words = words;
    for (u32 i = 0; i < words; i++)
        entry.value[i] = value[i];
    entry.note = note;
    if (all)
        print(entry);
}

void Trace::print(const Entry &entry) const
{
    const char *file = strrchr(entry.place.file, '/');
    fprintf(stderr, "  %8llu rank %u block %u thread %u %s:%d %s", entry.step, entry.rank, entry.block, entry.thread, file ? file + 1 : entry.place.file, entry.place.line, entry.place.operation);
    if (entry.address)
        fprintf(stderr, " %s", heap.name_of(entry.address).c_str());
    for (u32 i = 0; i < entry.words; i++)
        fprintf(stderr, " %08x", entry.value[i]);
    fprintf(stderr, "%s%s\n", entry.note ? " " : "", entry.note ? entry.note : "");
}

void Trace::print(u32 most) const
{
    u64 first = count > KEPT ? count - KEPT : 0;
    if (count - first > most)
        first = count - most;
    for (u64 i = first; i < count; i++)
        print(entries[i % KEPT]);
}

}  // namespace emulator
