#include "late_load.hpp"
#include <algorithm>
#include <cstring>
#include "../machine/machine.hpp"
#include "weak.hpp"

namespace emulator {

LateLoad late_load;

static const u32 MOST_TRIES = 4;
static const u32 MOST_PROMISES = 64;

static u64 key_of(const Block &block) { return ((u64)block.grid->rank << 32 | block.grid->number) << 16 | block.index; }

void LateLoad::begin_case(u64 seed, bool weak)
{
    random.state = seed ^ 0x6C6174656C6F6164;
    phase = weak && random.one_in(4) ? Phase::Recording : Phase::Off;
    unproven = false;
    loads = candidates = 0;
    tries = 0;
    waiting = nullptr;
    of_word.clear();
    of_block.clear();
    promises.clear();
}

bool LateLoad::again(bool given_up)
{
    if (phase == Phase::Off)
        return false;
    if (phase == Phase::Replaying && !given_up)
        kept++;
    bool more = phase == Phase::Recording ? candidates > 0 : ++tries < MOST_TRIES;
    size_t before = promises.size();
    if (phase == Phase::Replaying) {
        promises.erase(std::remove_if(promises.begin(), promises.end(), [&](const Promise &one) { return one.state == State::Broken || (one.state == State::Open && !given_up); }), promises.end());
        more &= promises.size() < before && !promises.empty();
    }
    phase = more ? Phase::Replaying : Phase::Off;
    for (Promise &one : promises)
        one.state = State::Open;
    loads = 0;
    unproven = false;
    waiting = nullptr;
    return more;
}

std::string LateLoad::describe() const
{
    if (phase != Phase::Replaying)
        return "";
    const char *file = strrchr(chosen.place.file, '/');
    return ", run again: load " + std::to_string(chosen.number) + ", of rank " + std::to_string(rank) + ", thread " + std::to_string(chosen.thread) + " at " + (file ? file + 1 : chosen.place.file) + ":" +
           std::to_string(chosen.place.line) + " takes effect after " + std::to_string(promises.size()) + " stores that follow it";
}

bool LateLoad::loading(Thread &thread, u32 word, u32 words, bool acquire)
{
    u64 number = loads++;
    if (phase == Phase::Recording && !acquire) {
        std::vector<Stored> &stores = of_block[key_of(*thread.block)];
        Load load = {number, key_of(*thread.block), thread.slot, thread.index, thread.clock[thread.slot], thread.block->interval, weak_memory.snapshots_so_far(), (u32)stores.size(), thread.place};
        for (u32 i = 0; i < words; i++) {
            std::vector<Load> &of = of_word[word + i];
            auto own = std::find_if(of.begin(), of.end(), [&](const Load &one) { return one.slot == thread.slot; });
            if (own == of.end())
                of.push_back(load);
            else
                *own = load;
        }
    }
    if (phase != Phase::Replaying || number != chosen.number)
        return false;
    promise(thread);
    waiting = &thread;
    machine.wait();
    return true;
}

void LateLoad::promise(Thread &thread)
{
    unproven = true;
    for (Promise &one : promises) {
        Thread &by = *thread.block->threads[one.store.thread];
        one.fence = by.fence;
        weak_memory.promise(by, one.store.word, one.store.value, one.store.words, one.store.parts, one.part);
    }
}

void LateLoad::let_go()
{
    machine.resume(waiting);
    waiting = nullptr;
}

bool LateLoad::storing(Thread &thread, u32 word, const u32 *value, u32 words, u32 parts, bool release)
{
    if (phase == Phase::Recording) {
        note_overwritten(thread, word, words);
        if (!release) {
            Stored store = {thread.index, thread.block->interval, thread.fence, word, words, parts, {}};
            memcpy(store.value, value, words * 4);
            of_block[key_of(*thread.block)].push_back(store);
        }
        return false;
    }
    if (!unproven || key_of(*thread.block) != chosen.block)
        return false;
    auto mine = std::find_if(promises.begin(), promises.end(), [&](const Promise &one) { return one.state == State::Open && one.store.thread == thread.index && one.store.word == word; });
    if (mine == promises.end())
        return false;
    const Stored &store = mine->store;
    bool kept = !release && store.words == words && store.parts == parts && memcmp(store.value, value, words * 4) == 0 && mine->fence == thread.fence && weak_memory.keep(thread, word, words, mine->part);
    mine->state = kept ? State::Kept : State::Broken;
    unproven = std::any_of(promises.begin(), promises.end(), [](const Promise &one) { return one.state != State::Kept; });
    return kept;
}

void LateLoad::stored(Thread &thread, u32 word, u32 words)
{
    if (waiting && thread.slot == writer && word <= overwritten && overwritten < word + words)
        let_go();
}

void LateLoad::read_own_promise(u32 part)
{
    for (Promise &one : promises)
        if (std::find(one.part, one.part + one.store.words, part) != one.part + one.store.words)
            one.state = State::Broken;
}

void LateLoad::note_overwritten(Thread &thread, u32 word, u32 words)
{
    for (u32 i = 0; i < words; i++) {
        auto found = of_word.find(word + i);
        if (found == of_word.end())
            continue;
        for (const Load &load : found->second) {
            if (load.slot == thread.slot || thread.clock[load.slot] >= load.clock)
                continue;
            const std::vector<Stored> &stores = of_block[load.block];
            auto may_pass = [&](const Stored &store) { return (store.thread == load.thread || store.interval > load.interval) && store.fence < load.fences; };
            auto first = stores.begin() + load.stores_before;
            // Any one of them, all as likely.
            if (std::none_of(first, stores.end(), may_pass) || random.below((u32)++candidates) > 0)
                continue;
            chosen = load;
            rank = (u32)(load.block >> 48);
            overwritten = word + i;
            writer = thread.slot;
            promises.clear();
            for (auto store = first; store != stores.end() && promises.size() < MOST_PROMISES; ++store)
                if (may_pass(*store))
                    promises.push_back(Promise{*store});
        }
    }
}

}  // namespace emulator
