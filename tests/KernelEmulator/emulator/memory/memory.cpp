#include "memory.hpp"
#include <cstring>
#include "../harness/trace.hpp"
#include "../machine/machine.hpp"
#include "heap.hpp"
#include "late_load.hpp"
#include "weak.hpp"

namespace emulator {

// In what order the parts of a vector are loaded or stored, each in a step of its own.
template <typename Access>
static void by_parts(u32 words, u32 parts, Access access)
{
    u32 count = words / parts, start = machine.random.below(count), direction = machine.random.one_in(2) ? 1 : count - 1;
    for (u32 i = 0; i < count; i++) {
        if (i > 0)
            machine.step(Place(machine.current->place));
        access((start + i * direction) % count * parts);
    }
}

void load(const void *from, u32 *value, u32 words, u32 parts, bool acquire)
{
    heap.check(from, words * 4, words * 4);
    Thread &thread = *machine.current;
    bool stale = false;
    if (machine.setting.model == Model::Weak) {
        bool forced = weak_memory.forced;
        if (late_load.is_on() && late_load.loading(thread, heap.word_of(from), words, acquire))
            weak_memory.forced = true;
        weak_memory.load(thread, heap.word_of(from), value, words, parts, acquire);
        weak_memory.forced = forced;
        stale = weak_memory.stale;
    } else if (parts == words)
        memcpy(value, from, words * 4);
    else
        by_parts(words, parts, [&](u32 i) { memcpy(value + i, (const u32 *)from + i, parts * 4); });
    trace.add(thread, from, value, words, stale ? "(older)" : nullptr);
}

void store(void *to, const u32 *value, u32 words, u32 parts, bool release)
{
    heap.check(to, words * 4, words * 4);
    Thread &thread = *machine.current;
    machine.progress(thread);
    trace.add(thread, to, value, words, nullptr);
    if (machine.setting.model == Model::Weak) {
        u32 word = heap.word_of(to);
        if (late_load.is_on() && late_load.storing(thread, word, value, words, parts, release))
            return;
        weak_memory.store(thread, word, value, words, parts, release);
        if (late_load.is_on())
            late_load.stored(thread, word, words);
    } else if (parts == words)
        memcpy(to, value, words * 4);
    else
        by_parts(words, parts, [&](u32 i) { memcpy((u32 *)to + i, value + i, parts * 4); });
}

u64 update(void *at, u32 words, u64 operand, const u64 *expected)
{
    heap.check(at, words * 4, words * 4);
    Thread &thread = *machine.current;
    u64 before = 0;
    if (machine.setting.model == Model::Weak)
        before = weak_memory.update(thread, heap.word_of(at), words, operand, expected);
    else {
        memcpy(&before, at, words * 4);
        u64 after = expected ? before == *expected ? operand : before : before + operand;
        memcpy(at, &after, words * 4);
    }
    if (!expected || before == *expected)
        machine.progress(thread);
    u32 shown[2] = {(u32)before, (u32)(before >> 32)};
    trace.add(thread, at, shown, words, nullptr);
    return before;
}

u32 load_part(const void *from, u32 bytes)
{
    heap.check(from, bytes, bytes);
    u32 inside = (u32)((u64)from % 4), word, value = 0;
    load((const u8 *)from - inside, &word, 1, 1, false);
    memcpy(&value, (const u8 *)&word + inside, bytes);
    return value;
}

void store_part(void *to, u32 value, u32 bytes)
{
    heap.check(to, bytes, bytes);
    u32 inside = (u32)((u64)to % 4), before, after;
    u8 *word = (u8 *)to - inside;
    memcpy(&before, word, 4);
    after = before;
    memcpy((u8 *)&after + inside, &value, bytes);
    update(word, 1, after - before, nullptr);
}

void fence()
{
    if (machine.setting.model == Model::Weak)
        weak_memory.fence(*machine.current);
    trace.add(*machine.current, nullptr, nullptr, 0, nullptr);
}

void host_store(u64 *to, u64 value)
{
    u32 words[2] = {(u32)value, (u32)(value >> 32)};
    if (machine.setting.model == Model::Weak)
        weak_memory.host_store(heap.word_of(to), words, 2);
    else
        memcpy(to, words, sizeof words);
}

}  // namespace emulator
