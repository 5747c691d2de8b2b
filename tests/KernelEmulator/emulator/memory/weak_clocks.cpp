// What happens before what.
#include <cstdlib>
#include <cstring>
#include "../machine/machine.hpp"
#include "weak.hpp"

namespace emulator {

static const u32 IN_CHUNK = 256;

static void maximum_of(u32 *into, const u32 *other, u32 width)
{
    for (u32 i = 0; i < width; i++)
        into[i] = into[i] > other[i] ? into[i] : other[i];
}

void WeakMemory::take(u32 *clock, u32 number) { maximum_of(clock, chunks[number / IN_CHUNK] + (size_t)(number % IN_CHUNK) * width, width); }

u32 WeakMemory::snapshot(const u32 *clock)
{
    u32 number = snapshots++;
    if (number / IN_CHUNK >= chunks.size())
        chunks.push_back((u32 *)malloc((size_t)IN_CHUNK * width * sizeof(u32)));
    memcpy(chunks[number / IN_CHUNK] + (size_t)(number % IN_CHUNK) * width, clock, width * sizeof(u32));
    return number;
}

void WeakMemory::fence(Thread &thread)
{
    maximum_of(thread.clock, thread.observed, width);
    thread.fence = snapshot(thread.clock);
    thread.clock[thread.slot]++;
}

void WeakMemory::host_joins(std::vector<u32> &clock)
{
    maximum_of(clock.data(), host.clock, width);
    host.clock[0]++;
}

void WeakMemory::begin(Thread &thread, const std::vector<u32> &clock, u32 number)
{
    thread.clock = &clocks[(size_t)thread.slot * width];
    thread.observed = &observed[(size_t)thread.slot * width];
    memset(thread.observed, 0, width * sizeof(u32));
    memset(thread.seen, 0, sizeof thread.seen);
    maximum_of(thread.clock, clock.data(), width);
    thread.fence = machine.setting.bounds_fence ? number : 0;
    thread.clock[thread.slot]++;
}

void WeakMemory::join(Thread &thread, const std::vector<u32> &clock)
{
    maximum_of(thread.clock, clock.data(), width);
    if (machine.setting.bounds_fence)
        fence(thread);
}

void WeakMemory::end(Thread &thread, std::vector<u32> &clock)
{
    if (machine.setting.bounds_fence)
        maximum_of(thread.clock, thread.observed, width);
    maximum_of(clock.data(), thread.clock, width);
    thread.clock[thread.slot]++;
}

void WeakMemory::barrier(const std::vector<Thread *> &threads)
{
    u32 *first = threads[0]->clock;
    for (Thread *thread : threads)
        maximum_of(first, thread->clock, width);
    for (Thread *thread : threads) {
        if (thread->clock != first)
            memcpy(thread->clock, first, width * sizeof(u32));
    }
    for (Thread *thread : threads)
        thread->clock[thread->slot]++;
}

}  // namespace emulator
