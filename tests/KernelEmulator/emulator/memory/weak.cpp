#include "weak.hpp"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include "../machine/machine.hpp"
#include "heap.hpp"
#include "late_load.hpp"

namespace emulator {

WeakMemory weak_memory;

void WeakMemory::reset(u32 slots, u32 ranks, u64 seed)
{
    if (!histories) {
        histories = (History *)mmap(nullptr, heap.words() * sizeof(History), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (histories == MAP_FAILED) {
            perror("the histories of words");
            exit(4);
        }
    }
    generation++;
    random.state = seed;
    if (width != slots) {
        for (u32 *chunk : chunks)
            free(chunk);
        chunks.clear();
    }
    width = slots;
    clocks.assign((size_t)width * width, 0);
    observed.assign((size_t)width * width, 0);
    for (u32 i = 0; i < width; i++)
        clocks[(size_t)i * width + i] = 1;
    snapshots = 1;
    host.clock = clocks.data();
    readers.assign(1, Reader{});
    free_reader = 0;
    forced = stale = false;
    static const u32 bits[] = {0, 5, 9, 13};
    late_bits = bits[random.below(4)];
    late_rank = random.below(2 * ranks);
    static const u32 strays[] = {0, 2, 16};
    stray = strays[random.below(3)];
}

std::string WeakMemory::describe() const
{
    char text[96];
    snprintf(text, sizeof text, "stores up to %u steps late, those of rank %u up to 16384; one load in %u sees any store", late_bits ? 1 << late_bits : 0, late_rank, stray);
    return text;
}

WeakMemory::History &WeakMemory::history(u32 word)
{
    History &history = histories[word];
    // Also after stores that are no primitive's: the host's between grids, a kernel's to its user's buffers.
    if (history.generation != generation || history.stores[history.count - 1].value != *heap.at(word)) {
        history.generation = generation;
        history.count = 1;
        history.stores[0] = Store{*heap.at(word), 0, 0, 0, 0, 0, 0, 0, 0};
    }
    return history;
}

bool WeakMemory::known(const Thread &thread, const Store &store) const
{
    if (thread.clock[store.writer] >= store.clock)
        return true;
    for (u32 i = store.readers; i; i = readers[i].next)
        if (thread.clock[readers[i].thread] >= readers[i].clock)
            return true;
    return false;
}

// The oldest store that the thread may still see: the newest that it must know of.
u32 WeakMemory::oldest(const Thread &thread, const History &history) const
{
    u32 i = history.count - 1;
    while (i > 0 && !known(thread, history.stores[i]))
        i--;
    return i;
}

u32 WeakMemory::choose(const Thread &thread, const History &history)
{
    u32 newest = history.count - 1;
    if (forced)
        return newest;
    u32 first = oldest(thread, history);
    if (first == newest)
        return newest;
    if (stray && random.one_in(stray))
        return first + random.below(newest - first + 1);
    while (newest > first && history.stores[newest].visible > machine.steps)
        newest--;
    return newest;
}

void WeakMemory::observe(Thread &thread, Store &store, bool acquire)
{
    if (store.release) {
        if (acquire)
            take(thread.clock, store.release);
        else if (thread.seen[store.rank] != store.release) {
            take(thread.observed, store.release);
            thread.seen[store.rank] = store.release;
        }
    }
    if (store.writer == thread.slot || store.clock == 0)
        return;
    for (u32 i = store.readers; i; i = readers[i].next)
        if (readers[i].thread == thread.slot)
            return;
    u32 i = free_reader;
    if (i)
        free_reader = readers[i].next;
    else {
        i = (u32)readers.size();
        readers.push_back(Reader{});
    }
    readers[i] = Reader{thread.clock[thread.slot], store.readers, (u16)thread.slot};
    store.readers = i;
    machine.progress(thread);
}

void WeakMemory::load(Thread &thread, u32 word, u32 *value, u32 words, u32 parts, bool acquire)
{
    stale = false;
    for (u32 begin = 0; begin < words; begin += parts) {
        History *of[4];
        u32 chosen[4];
        for (u32 i = 0; i < parts; i++) {
            of[i] = &history(word + begin + i);
            chosen[i] = choose(thread, *of[i]);
        }
        // What was stored together is seen together: nobody sees of one word a store and of another what was there before it.
        for (bool again = parts > 1; again;) {
            again = false;
            for (u32 i = 0; i < parts; i++)
                for (u32 j = 0; j < parts; j++)
                    for (u32 k = of[j]->count - 1; k > chosen[j]; k--)
                        if (of[i]->stores[chosen[i]].part && of[j]->stores[k].part == of[i]->stores[chosen[i]].part) {
                            chosen[j] = k;
                            again = true;
                        }
        }
        for (u32 i = 0; i < parts; i++) {
            Store &store = of[i]->stores[chosen[i]];
            stale |= chosen[i] + 1 < of[i]->count;
            if (store.clock == PROMISED && store.writer == thread.slot)
                late_load.read_own_promise(store.part);
            value[begin + i] = store.value;
            observe(thread, store, acquire);
        }
    }
}

// How many of the newest stores of these words the thread's next one may come before.
u32 WeakMemory::behind(const Thread &thread, History *const *of, u32 count)
{
    u32 most = LAST;
    for (u32 i = 0; i < count; i++) {
        u32 unknown = of[i]->count - 1 - oldest(thread, *of[i]);
        most = unknown < most ? unknown : most;
    }
    u32 same = 0;
    // Words that are stored together keep one order: only where they were stored together before is there a choice.
    for (bool alike = true; alike && same < most;) {
        u32 first = of[0]->stores[of[0]->count - 1 - same].part;
        for (u32 i = 1; i < count; i++)
            alike &= of[i]->stores[of[i]->count - 1 - same].part == first;
        same += alike;
    }
    return same;
}

void WeakMemory::insert(History &history, u32 word, u32 newer, const Store &store)
{
    if (history.count == LAST) {
        for (u32 i = history.stores[0].readers; i;) {
            u32 next = readers[i].next;
            readers[i].next = free_reader;
            free_reader = i;
            i = next;
        }
        memmove(history.stores, history.stores + 1, (LAST - 1) * sizeof(Store));
        history.count--;
    }
    u32 place = history.count - newer;
    memmove(history.stores + place + 1, history.stores + place, newer * sizeof(Store));
    history.stores[place] = store;
    history.count++;
    if (newer == 0)
        *heap.at(word) = store.value;
}

void WeakMemory::store(Thread &thread, u32 word, const u32 *value, u32 words, u32 parts, bool release)
{
    Store store = {};
    store.writer = (u16)thread.slot;
    store.rank = (u8)thread.rank;
    store.clock = thread.clock[thread.slot];
    store.release = release ? snapshot(thread.clock) : thread.fence;
    for (u32 begin = 0; begin < words; begin += parts) {
        History *of[4];
        for (u32 i = 0; i < parts; i++)
            of[i] = &history(word + begin + i);
        u32 newer = behind(thread, of, parts);
        newer = newer == 0 || random.one_in(2) ? 0 : random.below(newer + 1);
        while (newer > 0 && of[0]->stores[of[0]->count - newer].update)
            newer--;
        store.part = ++part;
        u32 bits = thread.rank == late_rank ? 14 : late_bits;
        store.visible = bits == 0 ? 0 : machine.steps + random.magnitude(bits);
        for (u32 i = 0; i < parts; i++) {
            store.value = value[begin + i];
            insert(*of[i], word + begin + i, newer, store);
        }
    }
    if (release)
        thread.clock[thread.slot]++;
}

void WeakMemory::promise(Thread &thread, u32 word, const u32 *value, u32 words, u32 parts, u32 *numbers)
{
    Store store = {};
    store.writer = (u16)thread.slot;
    store.rank = (u8)thread.rank;
    store.clock = PROMISED;
    store.release = thread.fence;
    for (u32 i = 0; i < words; i++) {
        if (i % parts == 0)
            ++part;
        store.part = numbers[i] = part;
        store.value = value[i];
        insert(history(word + i), word + i, 0, store);
    }
}

WeakMemory::Store *WeakMemory::find(u32 word, u32 number)
{
    History &of = history(word);
    for (u32 i = 0; i < of.count; i++)
        if (of.stores[i].part == number && of.stores[i].clock == PROMISED)
            return &of.stores[i];
    return nullptr;
}

bool WeakMemory::keep(Thread &thread, u32 word, u32 words, const u32 *numbers)
{
    for (u32 i = 0; i < words; i++) {
        Store *store = find(word + i, numbers[i]);
        if (!store)
            return false;
        // What comes behind it in the word, and who has seen it, cannot happen before it.
        History &of = history(word + i);
        for (Store *newer = store + 1; newer < of.stores + of.count; newer++)
            if (known(thread, *newer))
                return false;
        for (u32 j = store->readers; j; j = readers[j].next)
            if (thread.clock[readers[j].thread] >= readers[j].clock)
                return false;
    }
    for (u32 i = 0; i < words; i++)
        find(word + i, numbers[i])->clock = thread.clock[thread.slot];
    return true;
}

u64 WeakMemory::update(Thread &thread, u32 word, u32 words, u64 operand, const u64 *expected)
{
    u64 before = 0;
    u32 release = 0;
    for (u32 i = 0; i < words; i++) {
        History &of = history(word + i);
        Store &newest = of.stores[of.count - 1];
        before |= (u64)newest.value << 32 * i;
        release = newest.release;
        observe(thread, newest, false);
    }
    if (expected && before != *expected)
        return before;
    u64 after = expected ? operand : before + operand;
    Store store = {};
    store.writer = (u16)thread.slot;
    store.rank = (u8)thread.rank;
    store.clock = thread.clock[thread.slot];
    store.update = 1;
    store.part = ++part;
    store.release = release;
    // What the store before released goes on through this one.
    if (thread.fence && release && release != thread.fence) {
        std::vector<u32> both(width);
        take(both.data(), release);
        take(both.data(), thread.fence);
        store.release = snapshot(both.data());
    } else if (thread.fence)
        store.release = thread.fence;
    for (u32 i = 0; i < words; i++) {
        store.value = (u32)(after >> 32 * i);
        insert(history(word + i), word + i, 0, store);
    }
    return before;
}

void WeakMemory::host_store(u32 word, const u32 *value, u32 words) { store(host, word, value, words, words, false); }

}  // namespace emulator
