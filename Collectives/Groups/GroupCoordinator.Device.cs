using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Collectives on device memory. All of them are enqueued on <c>stream</c> (a CUstream of this rank's device, a <see cref="CudaStream"/> converts) and return at once; all may be captured.</summary>
public sealed partial class GroupCoordinator
{
    /// <summary>This rank's GPU; null where it has none, see <see cref="DeviceObjection"/>.</summary>
    public CudaDevice? Device { get; }

    /// <summary>Why the group does not move device memory; null if it does.</summary>
    public string? DeviceObjection { get; }

    /// <summary>
    /// What moves device memory; null where <see cref="DeviceObjection"/> says why not. A <see cref="RoutedDeviceCommunicator"/> where ranks have peer memory, else a <see cref="NcclCommunicator"/>. It stays the group's.
    /// </summary>
    public IDeviceCommunicator? DeviceCommunicator => _device;

    /// <summary>
    /// Reduces device memory over the group. Collective; <paramref name="input"/> may be the memory of <paramref name="output"/>, or not overlap it. <see cref="Route"/> tells which way it takes: our kernels reduce in rank
    /// order, NCCL's order of summation is its own: the same bits on every rank, not for every message size. Allocates nothing on the host.
    /// </summary>
    /// <exception cref="NotSupportedException">The group has no way between its ranks' GPUs; the message says why.</exception>
    /// <exception cref="CollectiveException">The group is faulted, or NCCL has failed.</exception>
    public void AllReduce<T>(DeviceSpan<T> input, DeviceSpan<T> output, DeviceReduceOp op, nint stream)
        where T : unmanaged
    {
        CheckDevicePair(nameof(AllReduce), input, output);
        OnDevice(nameof(AllReduce)).AllReduce(input.Pointer, output.Pointer, input.Length, DataTypeExtensions.Of<T>(), op, stream);
    }

    /// <summary>As the other, for memory whose type is known at run time; <paramref name="count"/> elements.</summary>
    public void AllReduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream) => OnDevice(nameof(AllReduce)).AllReduce(input, output, count, type, op, stream);

    /// <summary>As <see cref="AllReduce{T}(DeviceSpan{T}, DeviceSpan{T}, DeviceReduceOp, nint)"/>, to the root alone. The others may pass an empty <paramref name="output"/>.</summary>
    public void Reduce<T>(DeviceSpan<T> input, DeviceSpan<T> output, int root, DeviceReduceOp op, nint stream)
        where T : unmanaged
    {
        CheckRoot(root);
        if (RankInGroup == root)
            CheckDevicePair(nameof(Reduce), input, output);
        OnDevice(nameof(Reduce)).Reduce(input.Pointer, output.Pointer, input.Length, DataTypeExtensions.Of<T>(), op, root, stream);
    }

    public void Reduce(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, int root, nint stream)
    {
        CheckRoot(root);
        OnDevice(nameof(Reduce)).Reduce(input, output, count, type, op, root, stream);
    }

    /// <summary>Copies the root's device memory to all others, bit by bit.</summary>
    public void Broadcast<T>(DeviceSpan<T> buffer, int root, nint stream)
        where T : unmanaged
        => Broadcast(buffer.Pointer, buffer.Length, DataTypeExtensions.Of<T>(), root, stream);

    public void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream)
    {
        CheckRoot(root);
        OnDevice(nameof(Broadcast)).Broadcast(buffer, count, type, root, stream);
    }

    /// <summary>Every rank's input, in rank order, to all: the output is <see cref="WorldSize"/> times as long. The input may be the own part of the output.</summary>
    public void AllGather<T>(DeviceSpan<T> input, DeviceSpan<T> output, nint stream)
        where T : unmanaged
    {
        CheckDeviceWhole(nameof(AllGather), input.Length, output.Length);
        CheckDevicePart(nameof(AllGather), input, output, (nuint)RankInGroup * input.Length);
        OnDevice(nameof(AllGather)).AllGather(input.Pointer, output.Pointer, input.Length, DataTypeExtensions.Of<T>(), stream);
    }

    public void AllGather(nint input, nint output, nuint count, DataType type, nint stream) => OnDevice(nameof(AllGather)).AllGather(input, output, count, type, stream);

    /// <summary>As the other, with <paramref name="counts"/> elements of each rank, equal on all ranks; the output is as long as their sum.</summary>
    public void AllGatherV<T>(DeviceSpan<T> input, DeviceSpan<T> output, ReadOnlySpan<nuint> counts, nint stream)
        where T : unmanaged
    {
        nuint start = CheckDeviceCounts(nameof(AllGatherV), counts, input.Length, output.Length);
        CheckDevicePart(nameof(AllGatherV), input, output, start);
        OnDevice(nameof(AllGatherV)).AllGatherV(input.Pointer, output.Pointer, counts, DataTypeExtensions.Of<T>(), stream);
    }

    /// <summary>Reduces and leaves each rank its part: the input is <see cref="WorldSize"/> times as long as the output, which may be the own part of it.</summary>
    public void ReduceScatter<T>(DeviceSpan<T> input, DeviceSpan<T> output, DeviceReduceOp op, nint stream)
        where T : unmanaged
    {
        CheckDeviceWhole(nameof(ReduceScatter), output.Length, input.Length);
        CheckDevicePart(nameof(ReduceScatter), output, input, (nuint)RankInGroup * output.Length);
        OnDevice(nameof(ReduceScatter)).ReduceScatter(input.Pointer, output.Pointer, output.Length, DataTypeExtensions.Of<T>(), op, stream);
    }

    public void ReduceScatter(nint input, nint output, nuint count, DataType type, DeviceReduceOp op, nint stream) => OnDevice(nameof(ReduceScatter)).ReduceScatter(input, output, count, type, op, stream);

    /// <summary>As the other, with <paramref name="counts"/> elements for each rank, equal on all ranks; the input is as long as their sum.</summary>
    public void ReduceScatterV<T>(DeviceSpan<T> input, DeviceSpan<T> output, ReadOnlySpan<nuint> counts, DeviceReduceOp op, nint stream)
        where T : unmanaged
    {
        nuint start = CheckDeviceCounts(nameof(ReduceScatterV), counts, output.Length, input.Length);
        CheckDevicePart(nameof(ReduceScatterV), output, input, start);
        OnDevice(nameof(ReduceScatterV)).ReduceScatterV(input.Pointer, output.Pointer, counts, DataTypeExtensions.Of<T>(), op, stream);
    }

    /// <summary>Every rank's input, in rank order, to the root, whose output is <see cref="WorldSize"/> times as long. The others may pass an empty one.</summary>
    public void Gather<T>(DeviceSpan<T> input, DeviceSpan<T> output, int root, nint stream)
        where T : unmanaged
    {
        CheckRoot(root);
        if (RankInGroup == root)
        {
            CheckDeviceWhole(nameof(Gather), input.Length, output.Length);
            CheckDevicePart(nameof(Gather), input, output, (nuint)root * input.Length);
        }

        OnDevice(nameof(Gather)).Gather(input.Pointer, output.Pointer, input.Length, DataTypeExtensions.Of<T>(), root, stream);
    }

    /// <summary>The root's input, <see cref="WorldSize"/> times as long as the output, part by part to the ranks. The others may pass an empty input.</summary>
    public void Scatter<T>(DeviceSpan<T> input, DeviceSpan<T> output, int root, nint stream)
        where T : unmanaged
    {
        CheckRoot(root);
        if (RankInGroup == root)
        {
            CheckDeviceWhole(nameof(Scatter), output.Length, input.Length);
            CheckDevicePart(nameof(Scatter), output, input, (nuint)root * output.Length);
        }

        OnDevice(nameof(Scatter)).Scatter(input.Pointer, output.Pointer, output.Length, DataTypeExtensions.Of<T>(), root, stream);
    }

    /// <summary>Part j of rank i's input becomes part i of rank j's output; all parts are equally long. Input and output must not overlap.</summary>
    public void AllToAll<T>(DeviceSpan<T> input, DeviceSpan<T> output, nint stream)
        where T : unmanaged
    {
        CheckDeviceSeparate(nameof(AllToAll), input, output);
        if (input.Length != output.Length || input.Length % (nuint)WorldSize != 0)
            throw new ArgumentException($"AllToAll of {input.Length} elements into {output.Length} over {WorldSize} ranks: the parts must be equally long; other lengths are AllToAllV's.");
        OnDevice(nameof(AllToAll)).AllToAll(input.Pointer, output.Pointer, input.Length / (nuint)WorldSize, DataTypeExtensions.Of<T>(), stream);
    }

    /// <summary>
    /// As <see cref="AllToAll{T}(DeviceSpan{T}, DeviceSpan{T}, nint)"/> with parts of any length: what this rank has for each rank and what it expects of each, one behind the other. Pairs that disagree are not
    /// found out on the device: the deadline ends them.
    /// </summary>
    public void AllToAllV<T>(DeviceSpan<T> input, ReadOnlySpan<nuint> sendCounts, DeviceSpan<T> output, ReadOnlySpan<nuint> receiveCounts, nint stream)
        where T : unmanaged
    {
        CheckDeviceCounts(nameof(AllToAllV), sendCounts, null, input.Length);
        CheckDeviceCounts(nameof(AllToAllV), receiveCounts, null, output.Length);
        CheckDeviceSeparate(nameof(AllToAllV), input, output);
        OnDevice(nameof(AllToAllV)).AllToAllV(input.Pointer, sendCounts, output.Pointer, receiveCounts, DataTypeExtensions.Of<T>(), stream);
    }

    /// <summary>
    /// A barrier of streams: <paramref name="stream"/> goes on when the streams of all ranks have come here. Collective, enqueued as the other calls and in order with them, no wait on the host, which
    /// <see cref="Barrier(HostCallOptions)"/> is; may be captured, on all ranks alike, without being prepared. Allocates nothing. One thread at a time, any thread.
    /// </summary>
    /// <remarks>
    /// <para>Where the group has peer memory, it also orders memory, whatever the ranks share: what a rank's stream has stored before (kernels and copies, in its own memory, a peer's, a <see cref="PeerBuffer{T}"/> or mapped host memory) is seen by what every
    /// rank's stream does behind it, and what a rank's stream loads before it does not see what another one stores behind it. Elsewhere it is NCCL's (an all-reduce of one element), which promises that all have come and says nothing of memory.</para>
    /// <para>A rank that does not come, a lost one or an abort ends the wait as that of any call: the group is faulted. Then the stream goes on though not all have come, and there is no output that could say so: what it does next with shared memory is
    /// worth nothing unless <see cref="Synchronize"/> has returned. In a <see cref="DeviceBatch"/> it orders none of the batch's calls.</para>
    /// </remarks>
    /// <param name="stream">A CUstream of this rank's device.</param>
    /// <exception cref="ArgumentException">The stream is of another device, or none.</exception>
    /// <exception cref="NotSupportedException">The group has no way between its ranks' GPUs; the message says why.</exception>
    /// <exception cref="CollectiveException">The group is faulted, or NCCL has failed.</exception>
    public void Barrier(nint stream) => OnDevice(nameof(Barrier)).Barrier(stream);

    /// <summary>
    /// Sends device memory to a rank of the group, where one receive of the same length takes it. On the device it waits for that one: ranks that send to each other do it in a
    /// <see cref="DeviceBatch"/>, or by <see cref="SendReceive{T}(DeviceSpan{T}, int, DeviceSpan{T}, int, nint)"/>.
    /// </summary>
    public void Send<T>(DeviceSpan<T> buffer, int destination, nint stream)
        where T : unmanaged
    {
        CheckPeer(destination, nameof(destination));
        OnDevice(nameof(Send)).Send(buffer.Pointer, buffer.Length, DataTypeExtensions.Of<T>(), destination, stream);
    }

    public void Receive<T>(DeviceSpan<T> buffer, int source, nint stream)
        where T : unmanaged
    {
        CheckPeer(source, nameof(source));
        OnDevice(nameof(Receive)).Receive(buffer.Pointer, buffer.Length, DataTypeExtensions.Of<T>(), source, stream);
    }

    /// <summary>Both at once. Either side may be this rank itself if both are. The buffers must not overlap.</summary>
    public void SendReceive<T>(DeviceSpan<T> input, int destination, DeviceSpan<T> output, int source, nint stream)
        where T : unmanaged
    {
        CheckDeviceSeparate(nameof(SendReceive), input, output);
        IDeviceCommunicator device = OnDevice(nameof(SendReceive));
        if (destination == RankInGroup && source == RankInGroup)
        {
            CopyToSelf(device, input, output, stream);
            return;
        }

        CheckPeer(destination, nameof(destination));
        CheckPeer(source, nameof(source));
        using DeviceBatch batch = new(device);
        device.Send(input.Pointer, input.Length, DataTypeExtensions.Of<T>(), destination, stream);
        device.Receive(output.Pointer, output.Length, DataTypeExtensions.Of<T>(), source, stream);
    }

    /// <summary>Collects this thread's device calls until it is disposed, and launches them together. See <see cref="CollectivesSharp.DeviceBatch"/>.</summary>
    public DeviceBatch DeviceBatch() => new(OnDevice(nameof(DeviceBatch)));

    /// <summary>
    /// Makes a buffer known to the group, so that messages out of it and into it take shorter ways. Collective: every rank registers a buffer of the same length, in the same order as its other calls; not while
    /// capturing.
    /// </summary>
    /// <exception cref="NotSupportedException">NCCL is too old, on every rank alike.</exception>
    public RegisteredBuffer Register<T>(DeviceSpan<T> buffer, RegistrationKind kind = RegistrationKind.Symmetric)
        where T : unmanaged
        => OnDevice(nameof(Register)).Register(buffer.Pointer, buffer.LengthInBytes, kind);

    /// <summary>An operation that multiplies this rank's elements by <paramref name="scalar"/> and sums. Local to this rank; each may have a scalar of its own.</summary>
    public unsafe PremultipliedSum CreatePremultipliedSum<T>(T scalar)
        where T : unmanaged
        => OnDevice(nameof(CreatePremultipliedSum)).CreatePremultipliedSum(&scalar, DataTypeExtensions.Of<T>());

    private void CopyToSelf<T>(IDeviceCommunicator device, DeviceSpan<T> input, DeviceSpan<T> output, nint stream)
        where T : unmanaged
    {
        if (input.Length != output.Length)
            throw new ArgumentException($"SendReceive of {input.Length} elements to this rank itself, which expects {output.Length}.");
        if (device.Fault is { } fault)
            throw fault;
        if (input.IsEmpty)
            return;
        CudaContextScope scope = device.Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuMemcpyDtoDAsync_v2(output.Pointer, input.Pointer, input.LengthInBytes, stream);
        scope.Dispose();
        if (result != CUresult.CUDA_SUCCESS)
            throw new CudaException($"Group {Name}: a copy of {input} to {output} on {device.Device}: {result} ({(int)result}).", result);
    }

    private static void CheckDevicePair<T>(string call, DeviceSpan<T> input, DeviceSpan<T> output)
        where T : unmanaged
    {
        if (input.Length != output.Length)
            throw new ArgumentException($"{call} of {input.Length} elements into {output.Length}.");
        if (input.Pointer != output.Pointer)
            CheckDeviceSeparate(call, input, output);
    }

    private static void CheckDeviceSeparate<T>(string call, DeviceSpan<T> input, DeviceSpan<T> output)
        where T : unmanaged
    {
        if (Overlap(input, output))
            throw new ArgumentException($"{call}: input ({input}) and output ({output}) overlap.");
    }

    private void CheckDeviceWhole(string call, nuint part, nuint whole)
    {
        if ((UInt128)part * (uint)WorldSize != whole)
            throw new ArgumentException($"{call}: {whole} elements for {WorldSize} ranks of {part} each; {(UInt128)part * (uint)WorldSize} are needed.");
    }

    private static void CheckDevicePart<T>(string call, DeviceSpan<T> part, DeviceSpan<T> whole, nuint start)
        where T : unmanaged
    {
        if (Overlap(part, whole) && part.Pointer != whole.Slice(start).Pointer)
            throw new ArgumentException($"{call}: the part ({part}) lies in the whole ({whole}), and not at its own place, {start}.");
    }

    /// <summary>Returns where this rank's part begins. <paramref name="own"/>: its length, null if it is not in these counts.</summary>
    private nuint CheckDeviceCounts(string call, ReadOnlySpan<nuint> counts, nuint? own, nuint whole)
    {
        if (counts.Length != WorldSize)
            throw new ArgumentException($"{call}: {counts.Length} counts for {WorldSize} ranks.");
        UInt128 sum = 0, start = 0;
        for (int rank = 0; rank < counts.Length; rank++)
        {
            if (rank == RankInGroup)
                start = sum;
            sum += counts[rank];
        }

        if (sum != whole)
            throw new ArgumentException($"{call}: the counts of all ranks make {sum} elements, the buffer has {whole}.");
        if (own is { } length && counts[RankInGroup] != length)
            throw new ArgumentException($"{call}: this rank's count is {counts[RankInGroup]}, its buffer has {length} elements.");
        return (nuint)start;
    }

    private static bool Overlap<T>(DeviceSpan<T> one, DeviceSpan<T> other)
        where T : unmanaged
        => (nuint)one.Pointer < (nuint)other.Pointer + other.LengthInBytes && (nuint)other.Pointer < (nuint)one.Pointer + one.LengthInBytes;
}
