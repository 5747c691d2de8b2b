#include "sequence.hpp"

namespace emulator {

static const u64 PATIENCE = 1'000'000;

// One case in four or so has trouble, each kind as often.
static u32 choose(Random &random)
{
    u32 kind = random.below(14);
    return kind > 4 ? 0 : kind;
}

Sequence::Sequence(Case &of, u32 ranks, u32 calls, u64 half_bytes)
    : of(of), ranks(ranks), calls(calls), trouble((Trouble)choose(of.random)), victim(of.random.below(ranks)), from(of.random.below(calls)), arena(ranks, half_bytes, trouble == STOPS || trouble == LATE ? PATIENCE : ~0ull)
{
    // Time goes on where somebody must leave for want of data; elsewhere a wait without an end is an error.
    machine.patience = trouble == NONE ? 0 : PATIENCE + 1;
}

std::string Sequence::text() const
{
    static const char *const troubles[] = {"", ", aborted", ", a rank stops", ", a rank stops and the group is aborted", ", a rank comes after the deadline"};
    return troubles[trouble] + (stops() || trouble == LATE ? ": rank " + std::to_string(victim) + " at call " + std::to_string(from) : "");
}

void Sequence::launch(u32 rank, u32 call)
{
    Launch launch = make(rank, call);
    launch.delay = of.random.one_in(3) ? of.random.magnitude(12) : 0;
    launch.before = [this, rank, before = std::move(launch.before)] {
        before();
        left[rank] = has_left(rank);
    };
    launch.after = [this, rank, call, after = std::move(launch.after)] {
        end(rank, call);
        after();
    };
    machine.enqueue(rank, std::move(launch));
    of.calls++;
}

void Sequence::end(u32 rank, u32 call)
{
    bool leaves = has_left(rank), lacks = (stops() || trouble == LATE) && call >= from;
    // By the word a rank may leave at any time; otherwise only when, and always when, the victim is missing. A late one has what the others had sent before they left, and may do its first call.
    if (leaves && !aborts() && !lacks)
        fail(Verdict::WrongData, "rank %u has left in call %u, for no reason", rank, call);
    if (!leaves && lacks && rank != victim)
        fail(Verdict::WrongData, "rank %u has not left in call %u, which rank %u had not begun", rank, call, victim);
    ended++;
    if (trouble == LATE && ended == (ranks - 1) * calls + from)
        for (u32 late = from; late < calls; late++)
            launch(victim, late);
}

void Sequence::run(std::function<Launch(u32 rank, u32 call)> with)
{
    make = std::move(with);
    for (u32 rank = 0; rank < ranks; rank++)
        for (u32 call = 0; call < ((stops() || trouble == LATE) && rank == victim ? from : calls); call++)
            launch(rank, call);
    if (aborts())
        machine.at(of.random.magnitude(15), [this] { host_store(arena.abort, 1); });
    machine.run();
    for (u32 rank = 0; rank < ranks; rank++) {
        u64 ran = stops() && rank == victim ? from : calls;
        if (arena.control(rank).ticket != ran << 16)
            fail(Verdict::WrongData, "rank %u's ticket is %llx after %llu calls", rank, arena.control(rank).ticket, ran);
        check_fault(rank);
    }
    heap.check_guards();
}

void Sequence::check_fault(u32 rank) const
{
    const Fault &fault = *view(rank).fault;
    if (!has_left(rank)) {
        if (fault.reason != WENT_ON)
            fail(Verdict::WrongData, "rank %u tells reason %u and has not left", rank, fault.reason);
        return;
    }
    // When the word is set the others may not have sent either; to a late rank nobody sends any more.
    bool any = aborts() || rank == victim;
    u32 missing = any ? ~(1u << rank) & ((1u << ranks) - 1) : 1u << victim, reason = aborts() ? ABORTED : TIMED_OUT;
    bool is_epoch = aborts() ? fault.epoch < calls : rank == victim ? fault.epoch >= from : fault.epoch == from;
    if (fault.reason != reason || fault.missing == 0 || (fault.missing & ~missing) != 0 || !is_epoch)
        fail(Verdict::WrongData, "rank %u left by reason %u, in epoch %llu, for want of ranks %x; it should be reason %u, %s epoch %u, ranks %x", rank, fault.reason, fault.epoch, fault.missing, reason, any ? "near" : "in", from, missing);
}

}  // namespace emulator
