#include "trace.hpp"
#include <cstdio>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>
#include "../machine/machine.hpp"
#include "../memory/heap.hpp"

namespace emulator {

Trace trace;

void Trace::add(const Thread &thread, const void *address, const u32 *value, u32 words, const char *note)
{
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
    // Of a thread's polls that give the same only the first is shown.
    std::map<std::tuple<u32, u32, u32, const void *>, const Entry *> last;
    std::vector<const Entry *> shown;
    for (u64 i = first; i < count; i++) {
        const Entry &entry = entries[i % KEPT];
        const Entry *&before = last[{entry.rank, entry.block, entry.thread, entry.address}];
        if (before && entry.address && before->place.line == entry.place.line && before->place.operation == entry.place.operation && before->words == entry.words &&
            memcmp(before->value, entry.value, entry.words * sizeof(u32)) == 0)
            continue;
        before = &entry;
        shown.push_back(&entry);
    }
    for (size_t i = shown.size() > most ? shown.size() - most : 0; i < shown.size(); i++)
        print(*shown[i]);
}

}  // namespace emulator
