using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

// No native call stands in a try block: the JIT does not inline its marshalling there, and the stub that it makes instead allocates.
public sealed unsafe partial class NcclCommunicator
{
    public void AllReduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        ncclRedOp_t reduction = Reduction(op, type);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, bytes, output, bytes, type, stream);
        if (_windows.Any)
            _windows.Check(input, output, 0, type);
        nint communicator = Enter(new HostCall(CollectiveKind.AllReduce, type, op.Op, 0, (long)count), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclAllReduce((void*)input, (void*)output, count, (ncclDataType_t)type, reduction, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream)
    {
        HostArguments.CheckRoot(root, WorldSize);
        ncclRedOp_t reduction = Reduction(op, type);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, bytes, output, Rank == root ? bytes : 0, type, stream);
        nint communicator = Enter(new HostCall(CollectiveKind.Reduce, type, op.Op, root, (long)count), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclReduce((void*)input, (void*)output, count, (ncclDataType_t)type, reduction, root, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream)
    {
        HostArguments.CheckRoot(root, WorldSize);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(buffer, bytes, buffer, bytes, type, stream);
        nint communicator = Enter(new HostCall(CollectiveKind.Broadcast, type, default, root, (long)count), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclBroadcast((void*)buffer, (void*)buffer, count, (ncclDataType_t)type, root, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void AllGather(nint input, nint output, nuint count, DataType type, nint stream)
    {
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, bytes, output, bytes, type, stream);
        if (_windows.Any)
            _windows.Check(input, output, bytes, type);
        nint communicator = Enter(new HostCall(CollectiveKind.AllGather, type, default, 0, (long)count), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclAllGather((void*)input, (void*)output, count, (ncclDataType_t)type, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream)
    {
        ncclRedOp_t reduction = Reduction(op, type);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, bytes, output, bytes, type, stream);
        if (_windows.Any)
            _windows.Check(input, output, bytes, type);
        nint communicator = Enter(new HostCall(CollectiveKind.ReduceScatter, type, op.Op, 0, (long)count), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclReduceScatter((void*)input, (void*)output, count, (ncclDataType_t)type, reduction, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void AllToAll(nint input, nint output, nuint count, DataType type, nint stream)
    {
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, bytes, output, bytes, type, stream);
        nint communicator = Enter(new HostCall(CollectiveKind.AllToAll, type, default, 0, (long)count), out CudaContextScope scope);
        ncclResult_t result = Version >= NcclLibrary.NativeAllToAll
            ? NcclNative.ncclAlltoAll((void*)input, (void*)output, count, (ncclDataType_t)type, communicator, stream)
            : GroupedAllToAll(input, output, count, bytes, (ncclDataType_t)type, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, nint stream)
    {
        HostArguments.CheckRoot(root, WorldSize);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, bytes, output, Rank == root ? bytes : 0, type, stream);
        nint communicator = Enter(new HostCall(CollectiveKind.Gather, type, default, root, (long)count), out CudaContextScope scope);
        ncclResult_t result = Version >= NcclLibrary.NativeAllToAll
            ? NcclNative.ncclGather((void*)input, (void*)output, count, (ncclDataType_t)type, root, communicator, stream)
            : GroupedGather(input, output, count, bytes, (ncclDataType_t)type, root, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, nint stream)
    {
        HostArguments.CheckRoot(root, WorldSize);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(input, Rank == root ? bytes : 0, output, bytes, type, stream);
        nint communicator = Enter(new HostCall(CollectiveKind.Scatter, type, default, root, (long)count), out CudaContextScope scope);
        ncclResult_t result = Version >= NcclLibrary.NativeAllToAll
            ? NcclNative.ncclScatter((void*)input, (void*)output, count, (ncclDataType_t)type, root, communicator, stream)
            : GroupedScatter(input, output, count, bytes, (ncclDataType_t)type, root, communicator, stream);
        Leave(result, communicator, scope);
    }

    /// <summary>
    /// An all-reduce of one element in memory of this communicator, the same in every graph. It ends when every rank's has begun, and that is all that NCCL promises: what ranks have stored before, in memory that they share by other means, need
    /// not be visible to the others behind it.
    /// </summary>
    public void Barrier(nint stream)
    {
        _pointers.CheckStream(stream);
        nint communicator = Enter(new HostCall(CollectiveKind.Barrier, default, default, 0, 0), out CudaContextScope scope);
        void* element = (void*)_setup.Element;
        ncclResult_t result = NcclNative.ncclAllReduce(element, element, 1, (ncclDataType_t)DataType.Int32, (ncclRedOp_t)ReduceOp.Max, communicator, stream);
        Leave(result, communicator, scope);
    }

    private void Check(nint input, nuint inputBytes, nint output, nuint outputBytes, DataType type, nint stream)
    {
        _pointers.CheckStream(stream);
        _pointers.Check(input, inputBytes, type, stream, nameof(input));
        _pointers.Check(output, outputBytes, type, stream, nameof(output));
    }

    /// <summary>NCCL's own arithmetic on bytes has as many bits as this.</summary>
    private nuint Bytes(nuint count, DataType type)
    {
        nuint size = (nuint)type.SizeInBytes();
        if (count > (nuint)nint.MaxValue / size / (nuint)WorldSize)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"{count} elements of {type} for each of {WorldSize} ranks are more bytes than there are addresses.");
        if (type is DataType.Float8E4M3 or DataType.Float8E5M2 && Version < NcclLibrary.Float8)
            throw new NotSupportedException($"{type}: {Name} is at hand, {NcclFeatures.VersionText(NcclLibrary.Float8)} or newer is needed; COLLECTIVES_NCCL_PATH names another file.");
        return count * size;
    }

    private ncclRedOp_t Reduction(DeviceReduceOp op, DataType type)
    {
        if (op.Scaled is { } scaled)
        {
            return scaled is NcclPremultipliedSum own
                ? own.For(this, type)
                : throw new ArgumentException($"A premultiplied sum of another group or library: {scaled.GetType().Name}.", nameof(op));
        }

        if ((uint)op.Op > (uint)ReduceOp.Average)
            throw new ArgumentOutOfRangeException(nameof(op), op.Op, "No such reduction.");
        return (ncclRedOp_t)op.Op;
    }
}
