using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What these kernels do not do.</summary>
public sealed unsafe partial class PeerCommunicator
{
    public void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream) => throw No(nameof(Reduce));

    public void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream) => throw No(nameof(Broadcast));

    public void AllGather(nint input, nint output, nuint count, DataType type, nint stream) => throw No(nameof(AllGather));

    public void AllGatherV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, nint stream) => throw No(nameof(AllGatherV));

    public void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream) => throw No(nameof(ReduceScatter));

    public void ReduceScatterV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, DeviceReduceOp op, nint stream) => throw No(nameof(ReduceScatterV));

    public void Gather(nint input, nint output, nuint count, DataType type, int root, nint stream) => throw No(nameof(Gather));

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, nint stream) => throw No(nameof(Scatter));

    public void AllToAll(nint input, nint output, nuint count, DataType type, nint stream) => throw No(nameof(AllToAll));

    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, nint stream) => throw No(nameof(AllToAllV));

    public void Send(nint buffer, nuint count, DataType type, int destination, nint stream) => throw No(nameof(Send));

    public void Receive(nint buffer, nuint count, DataType type, int source, nint stream) => throw No(nameof(Receive));

    public RegisteredBuffer Register(nint pointer, nuint bytes, RegistrationKind kind) => throw No(nameof(Register));

    public PremultipliedSum CreatePremultipliedSum(void* scalar, DataType type) => throw No(nameof(CreatePremultipliedSum));

    /// <summary>Calls are launched as they come: nothing is gained by collecting them.</summary>
    public void BeginBatch()
    {
        if (Fault is { } fault)
            throw fault;
    }

    public void EndBatch()
    {
    }

    private NotSupportedException No(string call) => new($"{call} by {Name} on group {_setup.Group}: it has {nameof(AllReduce)} alone.");
}
