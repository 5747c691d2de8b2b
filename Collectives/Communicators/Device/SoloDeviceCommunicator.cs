using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>A group of one: what it has to move it copies on its own device. It refuses what larger groups refuse.</summary>
internal sealed class SoloDeviceCommunicator(string group, CudaDevice device) : IDeviceCommunicator
{
    private readonly PointerCheck _pointers = new(device);
    private int _registrations;
    private CollectiveException? _fault;

    public string Name => "copy";

    public CudaDevice Device => device;

    public CollectiveException? Fault => Volatile.Read(ref _fault);

    public void AllReduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream) => Reduce(input, output, count, type, op, stream);

    public void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream) => Reduce(input, output, count, type, op, stream);

    public void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream) => Copy(buffer, buffer, count, type, stream);

    public void AllGather(nint input, nint output, nuint count, DataType type, nint stream) => Copy(input, output, count, type, stream);

    public void AllGatherV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, nint stream)
    {
        HostArguments.CheckCounts(counts, 1, nameof(counts));
        Copy(input, output, counts[0], type, stream);
    }

    public void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream) => Reduce(input, output, count, type, op, stream);

    public void ReduceScatterV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, DeviceReduceOp op, nint stream)
    {
        HostArguments.CheckCounts(counts, 1, nameof(counts));
        Reduce(input, output, counts[0], type, op, stream);
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, nint stream) => Copy(input, output, count, type, stream);

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, nint stream) => Copy(input, output, count, type, stream);

    public void AllToAll(nint input, nint output, nuint count, DataType type, nint stream) => Copy(input, output, count, type, stream);

    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, nint stream)
    {
        HostArguments.CheckCounts(sendCounts, 1, nameof(sendCounts));
        HostArguments.CheckCounts(receiveCounts, 1, nameof(receiveCounts));
        if (sendCounts[0] != receiveCounts[0])
            throw new ArgumentException($"AllToAllV in a group of one: {sendCounts[0]} elements to itself, {receiveCounts[0]} from itself.", nameof(receiveCounts));
        Copy(input, output, sendCounts[0], type, stream);
    }

    /// <summary>Nobody else is to come: the stream's own order is all there is.</summary>
    public void Barrier(nint stream)
    {
        if (Fault is { } fault)
            throw fault;
        _pointers.CheckStream(stream);
    }

    public void Send(nint buffer, nuint count, DataType type, int destination, nint stream) => throw NoPeer();

    public void Receive(nint buffer, nuint count, DataType type, int source, nint stream) => throw NoPeer();

    public void BeginBatch()
    {
    }

    public void EndBatch()
    {
    }

    public RegisteredBuffer Register(nint pointer, nuint bytes, RegistrationKind kind)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        _pointers.Check(pointer, bytes, DataType.UInt8, 0, nameof(pointer));
        return new Known(_registrations++, kind, pointer, bytes);
    }

    public unsafe PremultipliedSum CreatePremultipliedSum(void* scalar, DataType type) =>
        throw new NotSupportedException($"A premultiplied sum in group {group}, which has one rank: its collectives are copies.");

    public void Abort(string reason) => Interlocked.CompareExchange(ref _fault, new GroupAbortedException($"Group {group}: aborted: {reason}", group, "", 0, 0), null);

    public void Dispose()
    {
    }

    private NotSupportedException NoPeer() => new($"Group {group} has one rank: there is nobody to send to or receive from.");

    private void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        if (op.Scaled is { } scaled)
            throw new ArgumentException($"A premultiplied sum of another group or library: {scaled.GetType().Name}.", nameof(op));
        if ((uint)op.Op > (uint)ReduceOp.Average)
            throw new ArgumentOutOfRangeException(nameof(op), op.Op, "No such reduction.");
        Copy(input, output, count, type, stream);
    }

    private unsafe void Copy(nint input, nint output, nuint count, DataType type, nint stream)
    {
        nuint size = (nuint)type.SizeInBytes(), bytes = count * size;
        if (count > (nuint)nint.MaxValue / size)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"{count} elements of {type} are more bytes than there are addresses.");
        if (Fault is { } fault)
            throw fault;
        if (bytes == 0)
            return;
        _pointers.CheckStream(stream);
        _pointers.Check(input, bytes, type, stream, nameof(input));
        _pointers.Check(output, bytes, type, stream, nameof(output));
        if (input == output)
            return;
        using CudaContextScope scope = device.MakeCurrent();
        CUresult result = CudaDriverNative.cuMemcpyDtoDAsync_v2(output, input, bytes, stream);
        if (result != CUresult.CUDA_SUCCESS)
            throw new CudaException($"Group {group}: a copy of {bytes} bytes from 0x{input:x} to 0x{output:x} on {device}: {result} ({(int)result}).", result);
    }

    private sealed class Known(int id, RegistrationKind kind, nint pointer, nuint bytes) : RegisteredBuffer
    {
        public override int Id => id;

        public override RegistrationKind Kind => kind;

        public override nint Pointer => pointer;

        public override nuint LengthInBytes => bytes;

        public override void Dispose()
        {
        }
    }
}
