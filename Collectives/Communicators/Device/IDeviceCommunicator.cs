using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Moves device memory between the ranks of one group. Each call is enqueued on the stream (a CUstream of this rank's device) and returns; the memory belongs to it until the stream has
/// passed it. Collectives: every rank makes the same calls in the same order, with the same count, type, operation and root; they may be captured into a graph, on all ranks
/// alike. One thread at a time, any thread, also one that never touched CUDA. Counts are in elements; pointers need no alignment beyond their element's.
/// </summary>
/// <remarks>
/// A call on a faulted communicator throws its <see cref="Fault"/>. Faults of work that is under way on the device surface at the next call and in <c>GroupCoordinator.Synchronize</c>.
/// </remarks>
public interface IDeviceCommunicator : IDisposable
{
    /// <summary>What moves the bytes, e.g. "NCCL 2.28.9".</summary>
    string Name { get; }

    /// <summary>This rank's.</summary>
    CudaDevice Device { get; }

    /// <summary>The fault that later calls will throw, or null. Cheap: a read of memory when there is none.</summary>
    CollectiveException? Fault { get; }

    /// <summary><paramref name="input"/> may equal <paramref name="output"/>; otherwise they must not overlap.</summary>
    void AllReduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream);

    /// <summary>To the root alone; the others' <paramref name="output"/> is not touched and may be 0.</summary>
    void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream);

    void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream);

    /// <summary><paramref name="count"/> elements of every rank, in rank order, to all. <paramref name="input"/> may lie where it ends up in <paramref name="output"/>.</summary>
    void AllGather(nint input, nint output, nuint count, DataType type, nint stream);

    /// <summary>As <see cref="AllGather"/> with <paramref name="counts"/> elements of each rank, equal on all ranks.</summary>
    void AllGatherV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, nint stream);

    /// <summary><paramref name="count"/> elements for every rank. <paramref name="output"/> may be where the own part lies in <paramref name="input"/>.</summary>
    void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream);

    /// <summary>As <see cref="ReduceScatter"/> with <paramref name="counts"/> elements for each rank, equal on all ranks.</summary>
    void ReduceScatterV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, DeviceReduceOp op, nint stream);

    /// <summary><paramref name="count"/> elements of every rank to the root; the others' <paramref name="output"/> may be 0.</summary>
    void Gather(nint input, nint output, nuint count, DataType type, int root, nint stream);

    /// <summary><paramref name="count"/> elements of the root's input to every rank; the others' <paramref name="input"/> may be 0.</summary>
    void Scatter(nint input, nint output, nuint count, DataType type, int root, nint stream);

    /// <summary>Part j of rank i's input becomes part i of rank j's output; <paramref name="count"/> elements a part. Input and output must not overlap.</summary>
    void AllToAll(nint input, nint output, nuint count, DataType type, nint stream);

    /// <summary>As <see cref="AllToAll"/> with parts of any length; both sides of each pair must agree.</summary>
    void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, nint stream);

    /// <summary>
    /// The stream goes on when the streams of all ranks have come here. Moves nothing, allocates nothing, and waits for nobody on the host. What it makes visible is its implementation's to say: ours orders memory
    /// that ranks share (<see cref="PeerCommunicator"/>), NCCL promises no more than the meeting.
    /// </summary>
    void Barrier(nint stream);

    /// <summary>
    /// Pairs with a <see cref="Receive"/> of equal count and type there, in the order of the calls of that pair of ranks; work of both waits on the device until the other comes. Sends and receives that
    /// need each other go into one batch.
    /// </summary>
    void Send(nint buffer, nuint count, DataType type, int destination, nint stream);

    void Receive(nint buffer, nuint count, DataType type, int source, nint stream);

    /// <summary>Begins to collect this thread's calls, on any communicator of its kind; nests. Each needs an <see cref="EndBatch"/> on the same thread.</summary>
    void BeginBatch();

    /// <summary>Launches what was collected together.</summary>
    void EndBatch();

    /// <summary>Collective. Throws <see cref="NotSupportedException"/>, on every rank alike, where the library can't.</summary>
    RegisteredBuffer Register(nint pointer, nuint bytes, RegistrationKind kind);

    /// <summary>Local to this rank. <paramref name="scalar"/> points to one element of <paramref name="type"/> in host memory, which is read now.</summary>
    unsafe PremultipliedSum CreatePremultipliedSum(void* scalar, DataType type);

    /// <summary>Ends what is enqueued, as soon as the device sees it; each rank does it. Any thread, any time.</summary>
    void Abort(string reason);
}
