// All-reduce of small messages: every rank pushes its input to every peer and reduces what it has received, in rank order. The data is the flag (Lamport): a word has come once it is no poison, so that there is
// no barrier, no fence and no second trip. One trip over the wire; RANKS - 1 times the input leaves each rank.
//
// Compiled with WORLD_SIZE (2 to 8), ELEMENT and OP (types of elements.cuh) and KERNEL (the variant's own name, which a profiler shows) defined.
#include "arena.cuh"
#include "elements.cuh"

// Laid out as OneShotArguments in C#.
struct OneShot {
    View view;
    const void *input;
    void *output;  // may be input
    u64 count;     // elements; a half holds RANKS times as many
};

template <int RANKS, typename Element, typename Op>
DEVICE void one_shot(const OneShot &call)
{
    const View &view = call.view;
    u64 epoch = epoch_of(view);
    bool going = !has_left(view);
    u64 packets = packets_of<Element>(call.count);
    u64 stride = (u64)blocks_in_grid() * threads_in_block();
    for (u64 i = (u64)block_in_grid() * threads_in_block() + thread_in_block(); i < packets; i += stride) {
        Packet result;
        if (going) {
            Packet own = without_poison<Element>(read_elements<Element>(call.input, i, call.count));
            // Beginning with the next rank, so that the ranks do not all write to one.
#pragma unroll
            for (int hop = 1; hop < RANKS; hop++) {
                u32 peer = (view.rank + hop) % RANKS;
                store_relaxed(half_of(view, peer, epoch) + view.rank * packets + i, own);
            }
            Packet got[RANKS];
            going = receive<RANKS>(view, epoch, half_of(view, view.rank, epoch) + i, packets, own, got);
            result = reduce<RANKS, Element, Op>(got);
        }
        write_elements<Element>(call.output, i, call.count, going ? result : nans<Element>());
    }
    leave(view);
}

extern "C" __global__ void __launch_bounds__(512) KERNEL(const __grid_constant__ OneShot call) { one_shot<WORLD_SIZE, ELEMENT, OP>(call); }
