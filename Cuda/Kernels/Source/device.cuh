// The primitives: everything that a kernel does beyond plain C++ on its own registers. Memory that another thread, block, rank or the host writes or reads is reached by these functions alone;
// so are barriers, time and conversions. No other file has asm. The emulator (tests/KernelEmulator) has a file of this name with the same functions, so that it runs the kernels unchanged.
//
// Scopes: load_*, store_* and fence_system are of system scope: peers and the host see them. They are relaxed, that is in no order with other addresses, unless the name says otherwise.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE __device__ __forceinline__

// Four words that are loaded and stored at once, and each of which arrives by itself: no kernel relies on more than 4 bytes arriving together.
struct alignas(16) Packet {
    u32 word[4];
};

// Two words of 64 bits, each of which arrives as a whole.
struct alignas(16) Pair {
    u64 word[2];
};

// ---- memory that others write or read

DEVICE u8 load_relaxed(const u8 *from)
{
    u16 value;
    asm volatile("ld.relaxed.sys.global.u8 %0, [%1];" : "=h"(value) : "l"(from) : "memory");
    return (u8)value;
}

DEVICE u16 load_relaxed(const u16 *from)
{
    u16 value;
    asm volatile("ld.relaxed.sys.global.u16 %0, [%1];" : "=h"(value) : "l"(from) : "memory");
    return value;
}

DEVICE u32 load_relaxed(const u32 *from)
{
    u32 value;
    asm volatile("ld.relaxed.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
    return value;
}

DEVICE u64 load_relaxed(const u64 *from)
{
    u64 value;
    asm volatile("ld.relaxed.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(from) : "memory");
    return value;
}

DEVICE Packet load_relaxed(const Packet *from)
{
    Packet value;
    asm volatile("ld.relaxed.sys.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(value.word[0]), "=r"(value.word[1]), "=r"(value.word[2]), "=r"(value.word[3]) : "l"(from) : "memory");
    return value;
}

DEVICE void store_relaxed(u8 *to, u8 value) { asm volatile("st.relaxed.sys.global.u8 [%0], %1;" ::"l"(to), "h"((u16)value) : "memory"); }

DEVICE void store_relaxed(u16 *to, u16 value) { asm volatile("st.relaxed.sys.global.u16 [%0], %1;" ::"l"(to), "h"(value) : "memory"); }

DEVICE void store_relaxed(u32 *to, u32 value) { asm volatile("st.relaxed.sys.global.u32 [%0], %1;" ::"l"(to), "r"(value) : "memory"); }

DEVICE void store_relaxed(u64 *to, u64 value) { asm volatile("st.relaxed.sys.global.u64 [%0], %1;" ::"l"(to), "l"(value) : "memory"); }

DEVICE void store_relaxed(Packet *to, Packet value)
{
    asm volatile("st.relaxed.sys.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(value.word[0]), "r"(value.word[1]), "r"(value.word[2]), "r"(value.word[3]) : "memory");
}

DEVICE Pair load_relaxed(const Pair *from)
{
    Pair value;
    asm volatile("ld.relaxed.sys.global.v2.u64 {%0, %1}, [%2];" : "=l"(value.word[0]), "=l"(value.word[1]) : "l"(from) : "memory");
    return value;
}

DEVICE void store_relaxed(Pair *to, Pair value) { asm volatile("st.relaxed.sys.global.v2.u64 [%0], {%1, %2};" ::"l"(to), "l"(value.word[0]), "l"(value.word[1]) : "memory"); }

DEVICE u64 load_acquire(const u64 *from)
{
    u64 value;
    asm volatile("ld.acquire.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(from) : "memory");
    return value;
}

DEVICE void store_release(u32 *to, u32 value) { asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(to), "r"(value) : "memory"); }

DEVICE void store_release(u64 *to, u64 value) { asm volatile("st.release.sys.global.u64 [%0], %1;" ::"l"(to), "l"(value) : "memory"); }

// Both directions: what this thread has seen or done comes before what it does next, for whoever observes that.
DEVICE void fence_system() { asm volatile("fence.acq_rel.sys;" ::: "memory"); }

// Between the blocks of one grid: device scope. Return what was there before.
DEVICE u64 add_relaxed(u64 *to, u64 value)
{
    u64 before;
    asm volatile("atom.add.relaxed.gpu.global.u64 %0, [%1], %2;" : "=l"(before) : "l"(to), "l"(value) : "memory");
    return before;
}

DEVICE u32 exchange_if_equal(u32 *to, u32 expected, u32 value)
{
    u32 before;
    asm volatile("atom.cas.relaxed.gpu.global.b32 %0, [%1], %2, %3;" : "=r"(before) : "l"(to), "r"(expected), "r"(value) : "memory");
    return before;
}

// ---- the caller's memory, which nobody else touches during the call

DEVICE Packet read_packet(const void *from)
{
    uint4 value = *(const uint4 *)from;
    return Packet{{value.x, value.y, value.z, value.w}};
}

DEVICE void write_packet(void *to, Packet value) { *(uint4 *)to = make_uint4(value.word[0], value.word[1], value.word[2], value.word[3]); }

// ---- threads

// Of the block; orders its threads' memory operations.
DEVICE void block_barrier() { __syncthreads(); }

// The same barrier; true for all threads if it is for one.
DEVICE bool block_barrier_or(bool value) { return __syncthreads_or(value) != 0; }

DEVICE u32 thread_in_block() { return threadIdx.x; }

DEVICE u32 block_in_grid() { return blockIdx.x; }

DEVICE u32 threads_in_block() { return blockDim.x; }

DEVICE u32 blocks_in_grid() { return gridDim.x; }

// The block's memory, in words; its size is given at the launch. Of another thread's words a barrier makes sure.
extern __shared__ __align__(8) u32 block_words[];

DEVICE u32 load_block(u32 word) { return block_words[word]; }

DEVICE void store_block(u32 word, u32 value) { block_words[word] = value; }

// A cluster: blocks that follow each other in the grid, run at once and send each other words. How many is given at the launch, 1 where nothing is; before compute capability 9.0 there is one, which sends nothing.
DEVICE u32 blocks_in_cluster()
{
    u32 value = 1;
#if __CUDA_ARCH__ >= 900
    asm("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(value));
#endif
    return value;
}

DEVICE u32 block_in_cluster()
{
    u32 value = 0;
#if __CUDA_ARCH__ >= 900
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(value));
#endif
    return value;
}

// A counter (an mbarrier), two words of the block's memory from an even one on, for so many words that will be sent here; by one thread, before it arrives at the cluster's barrier.
DEVICE void expect_words(u32 counter, u32 words)
{
#if __CUDA_ARCH__ >= 900
    u32 at = (u32)__cvta_generic_to_shared(block_words + counter);
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(at) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(at), "r"(words * 4) : "memory");
#endif
}

// All threads of the cluster arrive once, then each waits once before it sends: the counters are there then. Orders nothing else. A release would wait for whatever was stored before, also in peers' memory: 0.6 us on an H200.
DEVICE void cluster_arrive()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory");
#endif
}

DEVICE void cluster_wait()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#endif
}

// Stores a word into the memory of a block of the cluster, which may be the own one, and counts it there, with release: who has awaited that counter sees the word. The block has to be there still: it awaits all that it expects.
DEVICE void send_word(u32 block, u32 word, u32 counter, u32 value)
{
#if __CUDA_ARCH__ >= 900
    asm volatile("{\n\t.reg .u32 there, count;\n\tmapa.shared::cluster.u32 there, %0, %2;\n\tmapa.shared::cluster.u32 count, %1, %2;\n\t"
                 "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.u32 [there], %3, [count];\n\t}" ::"r"((u32)__cvta_generic_to_shared(block_words + word)),
                 "r"((u32)__cvta_generic_to_shared(block_words + counter)), "r"(block), "r"(value) : "memory");
#endif
}

// Until all words that this block expects have come. Every block of the cluster sends: there is no deadline.
DEVICE void await_words(u32 counter)
{
#if __CUDA_ARCH__ >= 900
    u32 at = (u32)__cvta_generic_to_shared(block_words + counter), done = 0;
    while (!done)
        asm volatile("{\n\t.reg .pred all;\n\tmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 all, [%1], 0;\n\tselp.u32 %0, 1, 0, all;\n\t}" : "=r"(done) : "r"(at) : "memory");
#endif
}

// The value of the lane whose number differs in these bits; by all lanes of a warp.
DEVICE u32 shuffle_xor(u32 value, u32 lanes) { return __shfl_xor_sync(0xFFFFFFFF, value, lanes); }

// Between grids that follow each other on a stream as a programmatic dependent launch: the later one may start when every block of the earlier one has said so or ended, and sees nothing of it
// until its own wait returns, which is when the earlier one has ended. Both do nothing in other launches.
DEVICE void let_next_grid_start()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

DEVICE void wait_for_previous_grid()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// ---- time

// Of the device's clock, in steps of up to a microsecond.
DEVICE u64 nanoseconds()
{
    u64 now;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    return now;
}

// ---- numbers

DEVICE u32 bits_of(float value) { return __float_as_uint(value); }

DEVICE float float_of(u32 bits) { return __uint_as_float(bits); }

// A NaN if one of them is; +0 is above -0.
DEVICE float minimum(float left, float right)
{
    float result;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(left), "f"(right));
    return result;
}

DEVICE float maximum(float left, float right)
{
    float result;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(left), "f"(right));
    return result;
}

DEVICE u64 bits_of(double value) { return (u64)__double_as_longlong(value); }

DEVICE double double_of(u64 bits) { return __longlong_as_double((long long)bits); }

// Rounded once.
DEVICE float multiply_add(float left, float right, float addend)
{
    float result;
    asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(result) : "f"(left), "f"(right), "f"(addend));
    return result;
}

DEVICE float square_root(float value)
{
    float result;
    asm("sqrt.rn.f32 %0, %1;" : "=f"(result) : "f"(value));
    return result;
}

DEVICE float float_of_half(u32 bits)
{
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"((u16)bits));
    return result;
}

// Two numbers in a word, the first one in its low half. Rounded to the nearest, ties to even.
DEVICE u32 halves_of(float low, float high)
{
    u32 result;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
}

DEVICE u32 bfloat16s_of(float low, float high)
{
    u32 result;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
}

// The 8-bit formats, two in the low half of a word; what is above the largest number becomes the largest. Instructions from sm_89 on; elements.cuh has what older devices do.
#if __CUDA_ARCH__ >= 890
#define HAS_FLOAT8 1
DEVICE u32 halves_of_e4m3s(u32 pair)
{
    u32 result;
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(result) : "h"((u16)pair));
    return result;
}

DEVICE u32 halves_of_e5m2s(u32 pair)
{
    u32 result;
    asm("cvt.rn.f16x2.e5m2x2 %0, %1;" : "=r"(result) : "h"((u16)pair));
    return result;
}

DEVICE u32 e4m3s_of(float low, float high)
{
    u16 result;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(result) : "f"(high), "f"(low));
    return result;
}

DEVICE u32 e5m2s_of(float low, float high)
{
    u16 result;
    asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(result) : "f"(high), "f"(low));
    return result;
}
#else
#define HAS_FLOAT8 0
#endif
