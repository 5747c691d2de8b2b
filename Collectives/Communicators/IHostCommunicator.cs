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

    /// <summary>Bit-exact copy of the root's buffer to all others. <paramref name="root"/> is a rank in the group.</summary>
    void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default);

    /// <summary>Returns when every rank has called it; everything that any rank wrote to memory before is visible to all.</summary>
    void Barrier(HostCallOptions options = default);

    /// <summary>Ends all calls in flight on every rank with <see cref="GroupAbortedException"/>. Any thread, any time; the first abort wins.</summary>
    void Abort(string reason);

    /// <summary>The fault that later calls will throw, or null. One read of memory when there is none.</summary>
    CollectiveException? Fault { get; }
}
