// Two GPUs send a flag to and fro by stores into each other's memory: the latency of the smallest thing that they can tell each other. One thread on each side; both are launched at about the same time.
// The host's stub of the driver has the same in C (tests/Stubs/cuda/stub_kernels.c).
#include "device.cuh"

// Laid out as PingPongArguments in C#.
struct PingPong {
    const u64 *mine;    // where the peer's flags arrive
    u64 *theirs;        // in the peer's memory
    u64 before;         // the last flag that was sent
    u64 warmup, trips;  // round trips before the clock starts, and with it
    u64 patience;       // nanoseconds that one wait may take
    u64 *result;        // round trips that were made, nanoseconds of the timed ones
    int starts;
};

// Flags only grow, and nothing else is read because of one: relaxed loads and stores are enough. A flag of a peer that gave up earlier is smaller than what is waited for, and its stream orders its
// stores before those of its next kernel.
__device__ bool wait_for(const PingPong &p, u64 flag)
{
    u64 since = 0;
    for (u64 polls = 1; load_relaxed(p.mine) < flag; polls++) {
        if (polls % 1024 != 0)
            continue;
        u64 now = nanoseconds();
        if (since == 0)
            since = now;
        if (now - since > p.patience)
            return false;
    }
    return true;
}

extern "C" __global__ void ping_pong(const __grid_constant__ PingPong p)
{
    u64 start = 0, trip = 0;
    for (; trip < p.warmup + p.trips; trip++) {
        u64 flag = p.before + trip + 1;
        if (trip == p.warmup)
            start = nanoseconds();
        if (p.starts)
            store_relaxed(p.theirs, flag);
        if (!wait_for(p, flag))
            break;
        if (!p.starts)
            store_relaxed(p.theirs, flag);
    }
    p.result[0] = trip;
    p.result[1] = nanoseconds() - start;
}
