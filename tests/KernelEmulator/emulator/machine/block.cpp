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
    if (word.counter != 0 && !(thread.awaited >> (word.counter - 1) & 1))
        fail(Verdict::WrongData, "thread %u reads word %u of the block's memory, which a block of the cluster sends, and has not awaited counter %u", thread.index, index, word.counter - 1);
    if (word.counter == 0 && word.write_interval == block.interval && word.writer != thread.index)
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

static Cluster &cluster_of(const Thread &thread)
{
    Grid &grid = *thread.block->grid;
    return grid.clusters[thread.block->index / grid.launch.cluster];
}

static Counter *find(Block &block, u32 word)
{
    for (Counter &counter : block.counters)
        if (counter.word == word)
            return &counter;
    return nullptr;
}

void expect_words(u32 word, u32 words)
{
    Thread &thread = *machine.current;
    Block &block = *thread.block;
    trace.add(thread, nullptr, &words, 1, nullptr);
    machine.progress(thread);
    if (thread.arrived != 0 || word % 2 != 0 || word >= 64 || word + 2 > block.words.size() || find(block, word) || words == 0)
        fail(Verdict::Crash, "counter %u of %u words is made behind the cluster's barrier, or twice, or does not lie in the block's memory", word, words);
    block.counters.push_back({word, words, {}});
}

// No order of memory: that of counters and of the words they count is all that is promised.
void cluster_arrive()
{
    Thread &thread = *machine.current;
    Grid &grid = *thread.block->grid;
    Cluster &cluster = cluster_of(thread);
    trace.add(thread, nullptr, nullptr, 0, nullptr);
    machine.progress(thread);
    if (thread.arrived++ != 0)
        fail(Verdict::Crash, "thread %u arrives twice at its cluster's barrier", thread.index);
    if (++cluster.arrived < grid.launch.cluster * grid.launch.threads)
        return;
    for (Thread *each : cluster.waiting)
        machine.resume(each);
    cluster.waiting.clear();
}

void cluster_wait()
{
    Thread *thread = machine.current;
    Grid &grid = *thread->block->grid;
    Cluster &cluster = cluster_of(*thread);
    trace.add(*thread, nullptr, nullptr, 0, nullptr);
    machine.progress(*thread);
    if (thread->arrived++ != 1)
        fail(Verdict::Crash, "thread %u waits at its cluster's barrier and has not arrived, or has waited", thread->index);
    if (cluster.arrived < grid.launch.cluster * grid.launch.threads) {
        cluster.waiting.push_back(thread);
        machine.wait();
    }
}

// At once: who reads the word without having awaited its counter is found out by that.
void send_word(u32 to, u32 index, u32 word, u32 value)
{
    Thread &thread = *machine.current;
    Grid &grid = *thread.block->grid;
    trace.add(thread, nullptr, &value, 1, nullptr);
    machine.progress(thread);
    if (to >= grid.launch.cluster)
        fail(Verdict::Crash, "a word for block %u of a cluster of %u", to, grid.launch.cluster);
    Block &block = grid.blocks[thread.block->index / grid.launch.cluster * grid.launch.cluster + to];
    if (thread.arrived != 2)
        fail(Verdict::WrongData, "thread %u sends a word to block %u, which need not have begun: it has not waited at the cluster's barrier", thread.index, block.index);
    if (block.live == 0)
        fail(Verdict::Crash, "thread %u sends a word to block %u, which has ended", thread.index, block.index);
    Counter *counter = find(block, word);
    if (!counter || counter->missing == 0)
        fail(Verdict::WrongData, "thread %u sends block %u more words than counter %u expects", thread.index, block.index, word);
    SharedWord &target = word_of(block, index);
    if (target.counter != 0)
        fail(Verdict::WrongData, "word %u of block %u is sent twice", index, block.index);
    target.counter = 1 + word;
    target.value = value;
    if (--counter->missing > 0)
        return;
    for (Thread *each : counter->waiting)
        machine.resume(each);
    counter->waiting.clear();
}

void await_words(u32 word)
{
    Thread *thread = machine.current;
    trace.add(*thread, nullptr, nullptr, 0, nullptr);
    machine.progress(*thread);
    Counter *counter = find(*thread->block, word);
    if (!counter)
        fail(Verdict::Crash, "thread %u awaits counter %u, which its block does not have", thread->index, word);
    if (counter->missing > 0) {
        counter->waiting.push_back(thread);
        machine.wait();
    }
    thread->awaited |= 1ull << word;
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
