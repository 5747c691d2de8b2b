// The litmus tests that run in the emulator and on GPUs (tests/Conformance/Device/Litmus): the same code, and one list of the outcomes that are allowed.
#pragma once

// A case: words of its own, which nobody has touched since they were zero.
struct LitmusWords {
    u64 *x, *y, *z;
    Packet *packet;  // in no test beside x
    u64 deadline;    // of waits, in nanoseconds()

    DEVICE Pair *pair() const { return (Pair *)packet; }

    // Of a wait; never in the emulator, where time stands still.
    DEVICE bool is_late(u32 &polls) const { return ++polls % 256 == 0 && nanoseconds() > deadline; }
};

// r is in registers on a GPU: an index that is known only at run time would put it into memory, and keep a load from passing the one before.
DEVICE void put(u32 *r, u32 index, u32 value)
{
#pragma unroll
    for (u32 i = 0; i < 4; i++)
        if (i == index)
            r[i] = value;
}

DEVICE void put(u32 *r, Packet value)
{
#pragma unroll
    for (u32 i = 0; i < 4; i++)
        r[i] = value.word[i];
}

DEVICE void put(u32 *r, Pair value) { put(r, Packet{{(u32)value.word[0], (u32)(value.word[0] >> 32), (u32)value.word[1], (u32)(value.word[1] >> 32)}}); }

DEVICE Pair pair_of(u64 value) { return Pair{{value << 32 | value, value << 32 | value}}; }

// No outcome of any test: a wait that ended at its deadline.
static const u32 LITMUS_LATE = 9;

enum class Order { Relaxed, Ordered, Fence };

template <Order order>
DEVICE void litmus_store(u64 *to, u64 value)
{
    if (order == Order::Ordered)
        store_release(to, value);
    else
        store_relaxed(to, value);
}

template <Order order>
DEVICE u64 litmus_load(const u64 *from)
{
    return order == Order::Ordered ? load_acquire(from) : load_relaxed(from);
}

template <Order order>
DEVICE bool litmus_await(const LitmusWords &of, const u64 *word)
{
    for (u32 polls = 0; litmus_load<order>(word) == 0;)
        if (of.is_late(polls))
            return false;
    return true;
}

// Each test: run() of one thread, and last() when all have ended. A thread sets words of r that no other one sets.
struct LitmusTest {
    static DEVICE void last(const LitmusWords &, u32 *) {}
};

template <Order store, Order load>
struct MessagePassing : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0) {
            store_relaxed(of.x, 1);
            if (store == Order::Fence)
                fence_system();
            litmus_store<store>(of.y, 1);
        } else {
            u32 flag = (u32)litmus_load<load>(of.y);
            if (load == Order::Fence)
                fence_system();
            r[1] = (u32)load_relaxed(of.x);
            r[0] = flag;
        }
    }
};

template <Order order>
struct StoreBuffering : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        store_relaxed(rank == 0 ? of.x : of.y, 1);
        // fence.acq_rel is no fence.sc.
        if (order == Order::Fence)
            fence_system();
        put(r, rank, (u32)load_relaxed(rank == 0 ? of.y : of.x));
    }
};

// What rank 0 stores is released, what rank 1 loads of it acquired.
template <Order released, Order acquired>
struct LoadBuffering : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        u32 got;
        if (rank == 0) {
            got = (u32)load_relaxed(of.x);
            litmus_store<released>(of.y, 1);
        } else {
            got = (u32)litmus_load<acquired>(of.y);
            store_relaxed(of.x, 1);
        }
        put(r, rank, got);
    }
};

struct LoadBufferingDependent : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        u64 got = load_relaxed(rank == 0 ? of.x : of.y);
        store_relaxed(rank == 0 ? of.y : of.x, got);
        put(r, rank, (u32)got);
    }
};

// One thread loads, and behind a barrier another stores.
template <Order order>
struct LoadThenBarrier : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32 thread, u32 *r)
    {
        if (rank == 0) {
            u32 got = thread == 1 ? (u32)load_relaxed(of.x) : 0;
            block_barrier();
            if (thread == 0)
                litmus_store<order>(of.y, 1);
            else
                put(r, 0, got);
        } else if (thread == 0) {
            u32 got = (u32)litmus_load<order>(of.y);
            store_relaxed(of.x, 1);
            put(r, 1, got);
        }
    }
};

// A place is read and given back to its writer, who uses it again: the read may not see that.
template <Order order>
struct GivenBack : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0) {
            u32 got = (u32)load_relaxed(of.x);
            litmus_store<order>(of.y, 1);
            put(r, 0, got);
        } else if (litmus_await<order>(of, of.y))
            store_relaxed(of.x, 2);
        else
            put(r, 0, LITMUS_LATE);
    }
};

template <Order order>
struct IndependentReads : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank < 2) {
            litmus_store<order>(rank == 0 ? of.x : of.y, 1);
            return;
        }
        u32 first = (u32)litmus_load<order>(rank == 2 ? of.x : of.y), second = (u32)litmus_load<order>(rank == 2 ? of.y : of.x);
        put(r, 2 * rank - 4, first);
        put(r, 2 * rank - 3, second);
    }
};

struct TwoReads : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0) {
            store_relaxed(of.x, 1);
            return;
        }
        u32 first = (u32)load_relaxed(of.x);
        r[1] = (u32)load_relaxed(of.x);
        r[0] = first;
    }
};

struct TwoStoresOfOneThread : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0) {
            store_relaxed(of.x, 1);
            store_relaxed(of.x, 2);
            return;
        }
        u32 first = (u32)load_relaxed(of.x);
        r[1] = (u32)load_relaxed(of.x);
        r[0] = first;
    }

    static DEVICE void last(const LitmusWords &of, u32 *r) { r[2] = (u32)*of.x; }
};

// Both readers agree on the order of two stores that race.
struct TwoReaders : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank < 2) {
            store_relaxed(of.x, rank + 1);
            return;
        }
        u32 first = (u32)load_relaxed(of.x), second = (u32)load_relaxed(of.x);
        put(r, 2 * rank - 4, first);
        put(r, 2 * rank - 3, second);
    }
};

struct WhatAnotherHasRead : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0)
            store_relaxed(of.x, 1);
        else if (rank == 1) {
            r[1] = (u32)load_relaxed(of.x);
            store_release(of.y, 1);
        } else {
            r[0] = (u32)load_acquire(of.y);
            r[2] = (u32)load_relaxed(of.x);
        }
    }

    // Without the flag nothing can be compared.
    static DEVICE void last(const LitmusWords &, u32 *r)
    {
        if (!r[0])
            r[1] = r[2] = 0;
    }
};

struct TwoStoresEach : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *)
    {
        store_relaxed(rank == 0 ? of.x : of.y, 1);
        store_relaxed(rank == 0 ? of.y : of.x, 2);
    }

    static DEVICE void last(const LitmusWords &of, u32 *r) { r[0] = (u32)*of.x, r[1] = (u32)*of.y; }
};

template <Order order>
struct ReleaseThroughBarrier : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32 thread, u32 *r)
    {
        if (rank == 0) {
            if (thread == 1)
                store_relaxed(of.x, 1);
            block_barrier();
            if (thread == 0)
                litmus_store<order>(of.y, 1);
        } else if (thread == 0) {
            r[0] = (u32)load_acquire(of.y);
            r[1] = (u32)load_relaxed(of.x);
        }
    }
};

struct ReleaseWithoutBarrier : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32 thread, u32 *r)
    {
        if (rank == 0) {
            if (thread == 1)
                store_relaxed(of.x, 1);
            else
                store_release(of.y, 1);
        } else if (thread == 0) {
            r[0] = (u32)load_acquire(of.y);
            r[1] = (u32)load_relaxed(of.x);
        }
    }
};

// A barrier is no acquire: what another thread of the block has seen relaxed orders nothing.
template <Order order>
struct AcquireThroughBarrier : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32 thread, u32 *r)
    {
        if (rank == 0) {
            if (thread == 0) {
                store_relaxed(of.x, 1);
                store_release(of.y, 1);
            }
            return;
        }
        if (thread == 0)
            r[0] = (u32)litmus_load<order>(of.y);
        block_barrier();
        if (thread == 1)
            r[1] = (u32)load_relaxed(of.x);
    }
};

template <Order order>
struct ThroughThirdRank : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0) {
            store_relaxed(of.x, 1);
            store_release(of.y, 1);
        } else if (rank == 1) {
            r[0] = (u32)litmus_load<order>(of.y);
            store_release(of.z, 1);
        } else {
            r[1] = (u32)load_acquire(of.z);
            r[2] = (u32)load_relaxed(of.x);
        }
    }
};

template <Order release, Order acquire>
struct PoisonAgainstPush : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0) {
            store_relaxed(of.x, 1);
            litmus_store<release>(of.y, 1);
        } else if (litmus_await<acquire>(of, of.y))
            store_relaxed(of.x, 2);
        else
            r[0] = LITMUS_LATE;
    }

    static DEVICE void last(const LitmusWords &of, u32 *r) { r[0] = r[0] == LITMUS_LATE ? LITMUS_LATE : (u32)*of.x; }
};

struct PoisonAgainstPushBetweenGrids : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32 grid, u32, u32 *r)
    {
        if (rank == 0)
            store_relaxed(grid == 0 ? of.x : of.y, 1);
        else if (grid == 1)
            store_relaxed(of.x, 2);
        else if (!litmus_await<Order::Relaxed>(of, of.y))
            r[0] = LITMUS_LATE;
    }

    static DEVICE void last(const LitmusWords &of, u32 *r) { r[0] = r[0] == LITMUS_LATE ? LITMUS_LATE : (u32)*of.x; }
};

struct PoisonAgainstPushWithinGrid : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32 grid, u32, u32 *r)
    {
        if (rank == 0)
            store_relaxed(grid == 0 ? of.x : of.y, 1);
        else if (grid == 1) {
            if (litmus_await<Order::Relaxed>(of, of.y))
                store_relaxed(of.x, 2);
            else
                r[0] = LITMUS_LATE;
        }
    }

    static DEVICE void last(const LitmusWords &of, u32 *r) { r[0] = r[0] == LITMUS_LATE ? LITMUS_LATE : (u32)*of.x; }
};

// One slot in either direction, used eight times in one launch: what is pushed next comes behind the poison if the credit (here the other slot's word) is released and acquired.
template <Order order>
struct SlotReused : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        u64 *mine = rank == 0 ? of.x : of.y, *other = rank == 0 ? of.y : of.x;
        u32 right = 0;
        for (u32 i = 1; i <= 8; i++) {
            if (rank == 0)
                store_relaxed(other, i);
            u64 got;
            for (u32 polls = 0; (got = load_relaxed(mine)) == 0;)
                if (of.is_late(polls)) {
                    put(r, rank, LITMUS_LATE);
                    return;
                }
            store_relaxed(mine, 0);
            if (order == Order::Fence)
                fence_system();
            if (rank == 1)
                store_relaxed(other, i);
            else
                right += got == i;
        }
        if (rank == 0)
            r[0] = right;
    }
};

struct WholePacket : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0)
            store_relaxed(of.packet, Packet{{1, 1, 1, 1}});
        else
            put(r, load_relaxed(of.packet));
    }
};

struct WholePair : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *r)
    {
        if (rank == 0)
            store_relaxed(of.pair(), pair_of(1));
        else
            put(r, load_relaxed(of.pair()));
    }
};

struct PairWherePacketsWere : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32 grid, u32, u32 *r)
    {
        if (rank == 0 && grid == 0)
            store_relaxed(of.packet, Packet{{0, 0, 0, 0}});
        else if (rank == 0)
            store_relaxed(of.pair(), pair_of(1));
        else if (grid == 1)
            put(r, load_relaxed(of.pair()));
    }
};

struct TwoPairsThatRace : LitmusTest {
    static DEVICE void run(const LitmusWords &of, u32 rank, u32, u32, u32 *) { store_relaxed(of.pair(), pair_of(rank + 1)); }

    static DEVICE void last(const LitmusWords &of, u32 *r) { put(r, *of.pair()); }
};

using LoadBufferingRelaxed = LoadBuffering<Order::Relaxed, Order::Relaxed>;
using LoadBufferingOrdered = LoadBuffering<Order::Ordered, Order::Ordered>;
using LoadBufferingReleased = LoadBuffering<Order::Ordered, Order::Relaxed>;
using LoadBufferingAcquired = LoadBuffering<Order::Relaxed, Order::Ordered>;
using MessagePassingRelaxed = MessagePassing<Order::Relaxed, Order::Relaxed>;
using MessagePassingOrdered = MessagePassing<Order::Ordered, Order::Ordered>;
using MessagePassingReleased = MessagePassing<Order::Ordered, Order::Relaxed>;
using MessagePassingAcquired = MessagePassing<Order::Relaxed, Order::Ordered>;
using MessagePassingFenced = MessagePassing<Order::Fence, Order::Fence>;
using CreditOrdered = PoisonAgainstPush<Order::Ordered, Order::Ordered>;
using CreditNotReleased = PoisonAgainstPush<Order::Relaxed, Order::Ordered>;
using CreditNotAcquired = PoisonAgainstPush<Order::Ordered, Order::Relaxed>;

// TEST(type, name, words of r, ranks, grids, threads, outcomes that sequential consistency allows, outcomes that the weak model allows beside those). The GPU's test reads this list as text: a line each.
#define LITMUS_TESTS(TEST) \
    TEST(MessagePassingRelaxed, "message-passing", 2, 2, 1, 1, "00 01 11", "10") \
    TEST(MessagePassingOrdered, "message-passing, release and acquire", 2, 2, 1, 1, "00 01 11", "") \
    TEST(MessagePassingReleased, "message-passing, release alone", 2, 2, 1, 1, "00 01 11", "10") \
    TEST(MessagePassingAcquired, "message-passing, acquire alone", 2, 2, 1, 1, "00 01 11", "10") \
    TEST(MessagePassingFenced, "message-passing, fences", 2, 2, 1, 1, "00 01 11", "") \
    TEST(StoreBuffering<Order::Relaxed>, "store-buffering", 2, 2, 1, 1, "01 10 11", "00") \
    TEST(StoreBuffering<Order::Fence>, "store-buffering, fences", 2, 2, 1, 1, "01 10 11", "00") \
    TEST(LoadBufferingRelaxed, "load-buffering", 2, 2, 1, 1, "00 01 10", "11") \
    TEST(LoadBufferingOrdered, "load-buffering, release and acquire", 2, 2, 1, 1, "00 01 10", "") \
    /* What is not ordered on its own side may still come early there. */ \
    TEST(LoadBufferingReleased, "load-buffering, release alone", 2, 2, 1, 1, "00 01 10", "11") \
    TEST(LoadBufferingAcquired, "load-buffering, acquire alone", 2, 2, 1, 1, "00 01 10", "11") \
    TEST(LoadBufferingDependent, "load-buffering, what is stored was loaded", 2, 2, 1, 1, "00", "") \
    TEST(LoadThenBarrier<Order::Relaxed>, "load-buffering through a barrier, no release", 2, 2, 1, 2, "00 01 10", "11") \
    TEST(LoadThenBarrier<Order::Ordered>, "load-buffering through a barrier, release", 2, 2, 1, 2, "00 01 10", "") \
    TEST(GivenBack<Order::Relaxed>, "read, then given back, no release", 1, 2, 1, 1, "0", "2") \
    TEST(GivenBack<Order::Ordered>, "read, then given back, release", 1, 2, 1, 1, "0", "") \
    TEST(IndependentReads<Order::Relaxed>, "independent reads of independent writes", 4, 4, 1, 1, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111", "1010") \
    /* Every reader's loads are in order; the readers may still disagree. */ \
    TEST(IndependentReads<Order::Ordered>, "independent reads of independent writes, release and acquire", 4, 4, 1, 1, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111", "1010") \
    TEST(TwoReads, "coherence, two reads", 2, 2, 1, 1, "00 01 11", "") \
    TEST(TwoStoresOfOneThread, "coherence, two stores of one thread", 3, 2, 1, 1, "002 012 022 112 122 222", "") \
    TEST(TwoReaders, "coherence, two readers", 4, 4, 1, 1, "0000 0001 0002 0011 0012 0021 0022 0100 0101 0102 0111 0112 0121 0122 0200 0201 0202 0211 0212 0221 0222 1100 1101 1102 1111 1112 1121 1122 1200 1201 1202 1211 1212 1222 2100 2101 2102 2111 2121 2122 2200 2201 2202 2211 2212 2221 2222", "") \
    TEST(WhatAnotherHasRead, "coherence, what another has read", 3, 3, 1, 1, "000 100 101 111", "") \
    TEST(TwoStoresEach, "two stores each, the other way round", 2, 2, 1, 1, "12 21 22", "11") \
    TEST(ReleaseThroughBarrier<Order::Ordered>, "through a barrier, release", 2, 2, 1, 2, "00 01 11", "") \
    TEST(ReleaseThroughBarrier<Order::Relaxed>, "through a barrier, no release", 2, 2, 1, 2, "00 01 11", "10") \
    TEST(ReleaseWithoutBarrier, "no barrier, release", 2, 2, 1, 2, "00 01 11 10", "") \
    TEST(AcquireThroughBarrier<Order::Ordered>, "through a barrier, acquire", 2, 2, 1, 2, "00 01 11", "") \
    TEST(AcquireThroughBarrier<Order::Relaxed>, "through a barrier, no acquire", 2, 2, 1, 2, "00 01 11", "10") \
    TEST(ThroughThirdRank<Order::Ordered>, "through a third rank, release and acquire", 3, 3, 1, 1, "000 001 010 011 101 111 100", "") \
    TEST(ThroughThirdRank<Order::Relaxed>, "through a third rank, its acquire left out", 3, 3, 1, 1, "000 001 010 011 101 111 100", "110") \
    TEST(CreditOrdered, "poison against push, credit released", 1, 2, 1, 1, "2", "") \
    TEST(CreditNotReleased, "poison against push, credit not released", 1, 2, 1, 1, "2", "1") \
    TEST(CreditNotAcquired, "poison against push, credit not acquired", 1, 2, 1, 1, "2", "1") \
    TEST(PoisonAgainstPushBetweenGrids, "poison against push, a grid boundary on either side", 1, 2, 2, 1, "2", "") \
    TEST(PoisonAgainstPushWithinGrid, "poison against push, a grid boundary on one side", 1, 2, 2, 1, "2", "1") \
    TEST(SlotReused<Order::Fence>, "a slot reused within a launch", 2, 2, 1, 1, "80", "") \
    TEST(WholePacket, "a packet by 4 bytes", 4, 2, 1, 1, "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111", "") \
    /* Never by less than a word of its own. */ \
    TEST(WholePair, "a pair", 4, 2, 1, 1, "0000 0011 1100 1111", "") \
    TEST(PairWherePacketsWere, "a pair where packets were", 4, 2, 2, 1, "0000 0011 1100 1111", "") \
    TEST(TwoPairsThatRace, "two pairs that race", 4, 2, 1, 1, "1111 1122 2211 2222", "")
