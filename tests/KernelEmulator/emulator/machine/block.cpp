#include "block.hpp"
#include "../harness/failure.hpp"
#include "../harness/trace.hpp"
#include "../memory/weak.hpp"
#include "machine.hpp"

namespace emulator::in_block {

static const u32 SEVERAL = ~0u;

void barrier()
{
    Thread *thread = machine.current;
    Block &block = *thread->block;
    trace.add(*thread, nullptr, nullptr, 0, nullptr);
    machine.progress(*thread);
    if (block.waiting.size() + 1 < block.threads.size()) {
        block.waiting.push_back(thread);
        machine.wait();
        return;
    }
    if (machine.setting.model == Model::Weak)
        weak_memory.barrier(block.threads);
    block.interval++;
    // Two results, so that what a fast thread says at the next barrier does not reach a slow one that has yet to read this one's.
    block.any[block.interval & 1] = false;
    for (Thread *each : block.waiting)
        machine.resume(each);
    block.waiting.clear();
}

bool barrier_or(bool value)
{
    Block &block = *machine.current->block;
    u32 turn = block.interval & 1;
    block.any[turn] |= value;
    barrier();
    return block.any[turn];
}

static SharedWord &word_of(Block &block, u32 word)
{
    if (word >= block.words.size())
        fail(Verdict::Crash, "word %u of the block's memory, which has %zu", word, block.words.size());
    return block.words[word];
}

static void race(u32 word, u32 one, u32 other)
{
    fail(Verdict::WrongData, "a race in the block's memory: no barrier between thread %u's and thread %u's use of word %u", one, other, word);
}

u32 load(u32 index)
{
    Thread &thread = *machine.current;
    Block &block = *thread.block;
    SharedWord &word = word_of(block, index);
    trace.add(thread, nullptr, &word.value, 1, nullptr);
    machine.progress(thread);
    if (word.write_interval == block.interval && word.writer != thread.index)
        race(index, thread.index, word.writer);
    word.reader = word.read_interval == block.interval && word.reader != thread.index ? SEVERAL : thread.index;
    word.read_interval = block.interval;
    return word.value;
}

void store(u32 index, u32 value)
{
    Thread &thread = *machine.current;
    Block &block = *thread.block;
    SharedWord &word = word_of(block, index);
    trace.add(thread, nullptr, &value, 1, nullptr);
    machine.progress(thread);
    if (word.write_interval == block.interval && word.writer != thread.index)
        race(index, thread.index, word.writer);
    if (word.read_interval == block.interval && word.reader != thread.index)
        race(index, thread.index, word.reader == SEVERAL ? 0 : word.reader);
    word.writer = thread.index;
    word.write_interval = block.interval;
    word.value = value;
}

u32 shuffle_xor(u32 value, u32 lanes)
{
    Thread *thread = machine.current;
    Block &block = *thread->block;
    u32 first = thread->index / 32 * 32, partner = (thread->index ^ lanes), count = (u32)block.threads.size();
    if (lanes >= 32 || count % 32 != 0)
        fail(Verdict::Crash, "shuffle_xor by %u lanes in a block of %u threads: it takes whole warps of 32", lanes, count);
    trace.add(*thread, nullptr, &value, 1, nullptr);
    machine.progress(*thread);
    // Two values, so that a fast lane's next shuffle does not overwrite what a slow one has yet to read.
    u32 turn = thread->shuffles++ & 1;
    thread->shuffled[turn] = value;
    Block::Warp &warp = block.warps[first / 32];
    if (warp.waiting.size() + 1 < 32) {
        warp.waiting.push_back(thread);
        machine.wait();
    } else {
        for (Thread *each : warp.waiting)
            machine.resume(each);
        warp.waiting.clear();
    }
    return block.threads[partner]->shuffled[turn];
}

void let_next_grid_start()
{
    Block &block = *machine.current->block;
    trace.add(*machine.current, nullptr, nullptr, 0, nullptr);
    machine.progress(*machine.current);
    // One thread speaks for its block.
    block.may_go_on = true;
    machine.look_soon();
}

void wait_for_previous_grid()
{
    Thread *thread = machine.current;
    Grid &grid = *thread->block->grid;
    trace.add(*thread, nullptr, nullptr, 0, nullptr);
    machine.progress(*thread);
    if (!grid.launch.dependent)
        return;
    if (!machine.previous_ended(grid)) {
        grid.waiting.push_back(thread);
        machine.wait();
    }
    if (machine.setting.model == Model::Weak)
        weak_memory.join(*thread, machine.stream_clock(grid.rank));
}

}  // namespace emulator::in_block
