using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Moves host memory between the ranks of one group. Each method is a collective: every rank calls it, in the same order, with the same
/// count, type, operation and root; a breach throws <see cref="CallMismatchException"/> on all ranks. Blocking; calls of one
/// communicator may come from any thread, one at a time. Counts are in elements, pointers need no alignment.
/// </summary>
/// <remarks>
/// Once a call has thrown a <see cref="CollectiveException"/> or was cancelled the communicator is faulted: each later call throws the same fault at
/// once, on every rank, and the content of the outputs of the interrupted call is undefined.
/// </remarks>
public interface IHostCommunicator : IDisposable
{
    /// <summary>What moves the bytes, e.g. "shared memory".</summary>
    string Name { get; }

    /// <summary>
    /// Reduces in rank order: the same bits on every rank and in every run, for every message size. <paramref name="input"/> may equal
    /// <paramref name="output"/>; otherwise they must not overlap.
    /// </summary>
    void AllReduce(nint input, nint output, nuint count, DataType type, ReduceOp op, HostCallOptions options = default);

    /// <summary>As <see cref="AllReduce"/>, to the root alone; the others' <paramref name="output"/> is not touched and may be 0.</summary>
    void Reduce(nint input, nint output, nuint count, DataType type, ReduceOp op, int root, HostCallOptions options = default);

    /// <summary>Bit-exact copy of the root's buffer to all others. <paramref name="root"/> is a rank in the group, as in every call.</summary>
    void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default);

    /// <summary>
    /// Every rank's input, one behind the other in rank order, to all. <paramref name="counts"/>: how many elements each rank has, equal on all ranks.
    /// <paramref name="input"/> may lie where it ends up in <paramref name="output"/>, or outside of it.
    /// </summary>
    void AllGather(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, HostCallOptions options = default);

    /// <summary>
    /// Reduces in rank order and leaves each rank its part: the input is all parts one behind the other, <paramref name="counts"/> their lengths, equal on all
    /// ranks. <paramref name="output"/> may be where the own part lies in <paramref name="input"/>, or outside of it.
    /// </summary>
    void ReduceScatter(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, ReduceOp op, HostCallOptions options = default);

    /// <summary>Every rank's <paramref name="count"/> elements, in rank order, to the root; the others' <paramref name="output"/> may be 0.</summary>
    void Gather(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default);

    /// <summary>The root's input, a part of <paramref name="count"/> elements for each rank, to the ranks; the others' <paramref name="input"/> may be 0.</summary>
    void Scatter(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default);

    /// <summary>Part j of rank i's input becomes part i of rank j's output; <paramref name="count"/> elements a part. In place or separate.</summary>
    void AllToAll(nint input, nint output, nuint count, DataType type, HostCallOptions options = default);

    /// <summary>
    /// As <see cref="AllToAll"/> with parts of any length: <paramref name="sendCounts"/> and <paramref name="receiveCounts"/> are what this rank has for each rank and what
    /// it expects of each. A pair that disagrees is a <see cref="CallMismatchException"/>. Input and output must not overlap.
    /// </summary>
    void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, HostCallOptions options = default);

    /// <summary>
    /// Sends <paramref name="count"/> elements to one rank. Not a collective: it pairs with one <see cref="Receive"/> there. Messages from one rank to another with one tag
    /// arrive in the order in which they were sent. Up to <see cref="HostMessage.EagerBytes"/> bytes it returns without waiting for the receiver; a longer one may wait for it.
    /// <paramref name="destination"/>: a rank in the group, not this one. <paramref name="tag"/>: 0 or more.
    /// </summary>
    void Send(nint buffer, nuint count, DataType type, int destination, int tag, HostCallOptions options = default);

    /// <summary>
    /// Receives one message of at most <paramref name="capacity"/> elements. <paramref name="source"/> and <paramref name="tag"/> may be <see cref="HostMessage.Any"/>; then
    /// the result tells which. A message of another type, or a longer one, is a <see cref="CallMismatchException"/>.
    /// </summary>
    HostMessage Receive(nint buffer, nuint capacity, DataType type, int source, int tag, HostCallOptions options = default);

    /// <summary>
    /// <see cref="Send"/> and <see cref="Receive"/> at once, so that ranks that exchange long messages don't wait for each other. The buffers must not overlap.
    /// </summary>
    HostMessage SendReceive(nint sendBuffer, nuint sendCount, int destination, int sendTag, nint receiveBuffer, nuint receiveCapacity, int source, int receiveTag, DataType type, HostCallOptions options = default);

    /// <summary>
    /// <paramref name="bytes"/> bytes on each rank, zeroed, that the ranks of one node read from each other without a copy in between: what <see cref="GroupCoordinator.AllocateHost"/> gives.
    /// Collective. A transport that has no such memory gives each rank memory of its own, which is what this does where it isn't overridden, without a word to the others.
    /// Released by the result's <see cref="SafeHandle.Dispose()"/>, on each rank when it is done with it. Throws <see cref="IOException"/> on all ranks when one of them gets no such memory, and <see cref="OutOfMemoryException"/> on a rank that gets no memory of its own; the group goes on.
    /// </summary>
    SafeBuffer Allocate(nuint bytes, HostCallOptions options = default) => new PrivateHostMemory(bytes);

    /// <summary>Returns when every rank has called it; everything that any rank wrote to memory before is visible to all.</summary>
    void Barrier(HostCallOptions options = default);

    /// <summary>Ends all calls in flight on every rank with <see cref="GroupAbortedException"/>. Any thread, any time; the first abort wins.</summary>
    void Abort(string reason);

    /// <summary>The fault that later calls will throw, or null. One read of memory when there is none.</summary>
    CollectiveException? Fault { get; }
}
