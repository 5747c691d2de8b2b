using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Collectives that NCCL has no call for, or had none before 2.28.3: groups of others.</summary>
public sealed unsafe partial class NcclCommunicator
{
    public void AllGatherV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, nint stream)
    {
        (nuint size, nuint most) = CheckCounts(counts, type, nameof(counts));
        if (most == 0)
            return;
        Check(input, counts[Rank] * size, output, most * size, type, stream);
        nint communicator = Enter(HostCall.WithCounts(CollectiveKind.AllGather, type, default, counts), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclGroupStart();
        for (int root = 0; root < WorldSize; root++)
        {
            if (counts[root] != 0)
                result = First(result, NcclNative.ncclBroadcast((void*)(root == Rank ? input : output), (void*)output, counts[root], (ncclDataType_t)type, root, communicator, stream));
            output += (nint)(counts[root] * size);
        }

        result = First(NcclNative.ncclGroupEnd(), result);
        Leave(result, communicator, scope);
    }

    public void ReduceScatterV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, DeviceReduceOp op, nint stream)
    {
        ncclRedOp_t reduction = Reduction(op, type);
        (nuint size, nuint most) = CheckCounts(counts, type, nameof(counts));
        if (most == 0)
            return;
        Check(input, most * size, output, counts[Rank] * size, type, stream);
        nint communicator = Enter(HostCall.WithCounts(CollectiveKind.ReduceScatter, type, op.Op, counts), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclGroupStart();
        for (int root = 0; root < WorldSize; root++)
        {
            if (counts[root] != 0)
                result = First(result, NcclNative.ncclReduce((void*)input, (void*)output, counts[root], (ncclDataType_t)type, reduction, root, communicator, stream));
            input += (nint)(counts[root] * size);
        }

        result = First(NcclNative.ncclGroupEnd(), result);
        Leave(result, communicator, scope);
    }

    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, nint stream)
    {
        (nuint size, nuint mostSent) = CheckCounts(sendCounts, type, nameof(sendCounts));
        (_, nuint mostReceived) = CheckCounts(receiveCounts, type, nameof(receiveCounts));
        if (mostSent == 0 && mostReceived == 0)
            return;
        Check(input, mostSent * size, output, mostReceived * size, type, stream);
        nint communicator = Enter(new HostCall(CollectiveKind.AllToAllV, type, default, 0, 0), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclGroupStart();
        for (int peer = 0; peer < WorldSize; peer++)
        {
            if (sendCounts[peer] != 0)
                result = First(result, NcclNative.ncclSend((void*)input, sendCounts[peer], (ncclDataType_t)type, peer, communicator, stream));
            if (receiveCounts[peer] != 0)
                result = First(result, NcclNative.ncclRecv((void*)output, receiveCounts[peer], (ncclDataType_t)type, peer, communicator, stream));
            input += (nint)(sendCounts[peer] * size);
            output += (nint)(receiveCounts[peer] * size);
        }

        result = First(NcclNative.ncclGroupEnd(), result);
        Leave(result, communicator, scope);
    }

    private ncclResult_t GroupedAllToAll(nint input, nint output, nuint count, nuint bytes, ncclDataType_t type, nint communicator, nint stream)
    {
        ncclResult_t result = NcclNative.ncclGroupStart();
        for (int peer = 0; peer < WorldSize; peer++)
        {
            nint offset = (nint)((nuint)peer * bytes);
            result = First(result, NcclNative.ncclSend((void*)(input + offset), count, type, peer, communicator, stream));
            result = First(result, NcclNative.ncclRecv((void*)(output + offset), count, type, peer, communicator, stream));
        }

        return First(NcclNative.ncclGroupEnd(), result);
    }

    private ncclResult_t GroupedGather(nint input, nint output, nuint count, nuint bytes, ncclDataType_t type, int root, nint communicator, nint stream)
    {
        ncclResult_t result = NcclNative.ncclGroupStart();
        result = First(result, NcclNative.ncclSend((void*)input, count, type, root, communicator, stream));
        for (int peer = 0; peer < WorldSize && Rank == root; peer++)
            result = First(result, NcclNative.ncclRecv((void*)(output + (nint)((nuint)peer * bytes)), count, type, peer, communicator, stream));
        return First(NcclNative.ncclGroupEnd(), result);
    }

    private ncclResult_t GroupedScatter(nint input, nint output, nuint count, nuint bytes, ncclDataType_t type, int root, nint communicator, nint stream)
    {
        ncclResult_t result = NcclNative.ncclGroupStart();
        for (int peer = 0; peer < WorldSize && Rank == root; peer++)
            result = First(result, NcclNative.ncclSend((void*)(input + (nint)((nuint)peer * bytes)), count, type, peer, communicator, stream));
        result = First(result, NcclNative.ncclRecv((void*)output, count, type, root, communicator, stream));
        return First(NcclNative.ncclGroupEnd(), result);
    }

    /// <summary>A group goes on to its end whatever its calls say: NCCL's state is the thread's.</summary>
    private static ncclResult_t First(ncclResult_t one, ncclResult_t other) => one != ncclResult_t.ncclSuccess ? one : other;

    private (nuint Size, nuint Most) CheckCounts(ReadOnlySpan<nuint> counts, DataType type, string name)
    {
        HostArguments.CheckCounts(counts, WorldSize, name);
        nuint most = 0;
        foreach (nuint count in counts)
            most = Math.Max(most, count);
        _ = Bytes(most, type);
        return ((nuint)type.SizeInBytes(), most);
    }
}
