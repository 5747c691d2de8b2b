using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    /// <summary>
    /// Reduces host memory over the group, in rank order: the same bits on every rank and in every run. Collective; <paramref name="input"/> may be
    /// the memory of <paramref name="output"/>, or not overlap it at all. Allocates nothing.
    /// </summary>
    /// <exception cref="PeerLostException">A rank ended, left, or stayed away past the deadline.</exception>
    /// <exception cref="CallMismatchException">A rank called something else.</exception>
    public unsafe void AllReduce<T>(ReadOnlySpan<T> input, Span<T> output, ReduceOp op = ReduceOp.Sum, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckPair(nameof(AllReduce), input, output, input.Length, output.Length);
        DataType type = CheckReduction<T>(op);
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.AllReduce((nint)from, (nint)to, (nuint)input.Length, type, op, options);
        }
    }

    /// <summary>As <see cref="AllReduce{T}(ReadOnlySpan{T}, Span{T}, ReduceOp, HostCallOptions)"/>, to the root alone. The others may pass an empty <paramref name="output"/>.</summary>
    public unsafe void Reduce<T>(ReadOnlySpan<T> input, Span<T> output, int root, ReduceOp op = ReduceOp.Sum, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckRoot(root);
        bool receives = RankInGroup == root;
        if (receives)
            CheckPair(nameof(Reduce), input, output, input.Length, output.Length);
        DataType type = CheckReduction<T>(op);
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.Reduce((nint)from, receives ? (nint)to : 0, (nuint)input.Length, type, op, root, options);
        }
    }

    /// <summary>Copies the root's host memory to all others, bit by bit. <paramref name="root"/> is a rank in the group (0 to <see cref="WorldSize"/> - 1).</summary>
    public unsafe void Broadcast<T>(Span<T> buffer, int root, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckRoot(root);
        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            return;
        fixed (T* data = buffer)
            host.Broadcast((nint)data, (nuint)buffer.Length, type, root, options);
    }

    /// <summary>
    /// Every rank's input, in rank order, to all: the output is <see cref="WorldSize"/> times as long. The input may be the own part of the output.
    /// </summary>
    public void AllGather<T>(ReadOnlySpan<T> input, Span<T> output, HostCallOptions options = default)
        where T : unmanaged
    {
        Span<nuint> counts = stackalloc nuint[WorldSize];
        counts.Fill((nuint)input.Length);
        AllGather(input, output, counts, options);
    }

    /// <summary>As the other, with <paramref name="counts"/> elements of each rank, equal on all ranks; the output is as long as their sum.</summary>
    public unsafe void AllGather<T>(ReadOnlySpan<T> input, Span<T> output, ReadOnlySpan<nuint> counts, HostCallOptions options = default)
        where T : unmanaged
    {
        int start = CheckCounts(nameof(AllGather), counts, input.Length, output.Length);
        CheckPart(nameof(AllGather), input, output, start);
        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.AllGather((nint)from, (nint)to, counts, type, options);
        }
    }

    /// <summary>
    /// Reduces in rank order and leaves each rank its part: the input is <see cref="WorldSize"/> times as long as the output, which may be the own part of it.
    /// </summary>
    public void ReduceScatter<T>(ReadOnlySpan<T> input, Span<T> output, ReduceOp op = ReduceOp.Sum, HostCallOptions options = default)
        where T : unmanaged
    {
        Span<nuint> counts = stackalloc nuint[WorldSize];
        counts.Fill((nuint)output.Length);
        ReduceScatter(input, output, counts, op, options);
    }

    /// <summary>As the other, with <paramref name="counts"/> elements for each rank, equal on all ranks; the input is as long as their sum.</summary>
    public unsafe void ReduceScatter<T>(ReadOnlySpan<T> input, Span<T> output, ReadOnlySpan<nuint> counts, ReduceOp op = ReduceOp.Sum, HostCallOptions options = default)
        where T : unmanaged
    {
        int start = CheckCounts(nameof(ReduceScatter), counts, output.Length, input.Length);
        CheckPart<T>(nameof(ReduceScatter), output, input, start);
        DataType type = CheckReduction<T>(op);
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.ReduceScatter((nint)from, (nint)to, counts, type, op, options);
        }
    }

    /// <summary>Every rank's input, in rank order, to the root, whose output is <see cref="WorldSize"/> times as long. The others may pass an empty one.</summary>
    public unsafe void Gather<T>(ReadOnlySpan<T> input, Span<T> output, int root, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckRoot(root);
        if (RankInGroup == root)
        {
            CheckWhole(nameof(Gather), input.Length, output.Length);
            CheckPart(nameof(Gather), input, output, root * input.Length);
        }

        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.Gather((nint)from, (nint)to, (nuint)input.Length, type, root, options);
        }
    }

    /// <summary>The root's input, <see cref="WorldSize"/> times as long as the output, part by part to the ranks. The others may pass an empty input.</summary>
    public unsafe void Scatter<T>(ReadOnlySpan<T> input, Span<T> output, int root, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckRoot(root);
        if (RankInGroup == root)
        {
            CheckWhole(nameof(Scatter), output.Length, input.Length);
            CheckPart<T>(nameof(Scatter), output, input, root * output.Length);
        }

        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.Scatter((nint)from, (nint)to, (nuint)output.Length, type, root, options);
        }
    }

    /// <summary>Part j of rank i's input becomes part i of rank j's output; all parts are equally long. In place or separate.</summary>
    public unsafe void AllToAll<T>(ReadOnlySpan<T> input, Span<T> output, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckPair(nameof(AllToAll), input, output, input.Length, output.Length);
        if (input.Length % WorldSize != 0)
            throw new ArgumentException($"AllToAll of {input.Length} elements over {WorldSize} ranks: the parts must be equally long; other lengths are AllToAllV's.");
        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.AllToAll((nint)from, (nint)to, (nuint)(input.Length / WorldSize), type, options);
        }
    }

    /// <summary>
    /// As <see cref="AllToAll{T}(ReadOnlySpan{T}, Span{T}, HostCallOptions)"/> with parts of any length: what this rank has for each rank and what it expects of each. The buffers hold the parts one behind
    /// the other and must not overlap. A pair that disagrees is a <see cref="CallMismatchException"/> on all ranks.
    /// </summary>
    public unsafe void AllToAllV<T>(ReadOnlySpan<T> input, ReadOnlySpan<nuint> sendCounts, Span<T> output, ReadOnlySpan<nuint> receiveCounts, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckCounts(nameof(AllToAllV), sendCounts, -1, input.Length);
        CheckCounts(nameof(AllToAllV), receiveCounts, -1, output.Length);
        if (input.Overlaps(output))
            throw new ArgumentException("AllToAllV: input and output overlap; parts of different lengths need separate buffers.");
        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            input.CopyTo(output);
        else
        {
            fixed (T* from = input, to = output)
                host.AllToAllV((nint)from, sendCounts, (nint)to, receiveCounts, type, options);
        }
    }

    /// <summary>Returns when all ranks have called it. Streams of devices don't wait for each other by it: that is <see cref="Barrier(nint)"/>.</summary>
    public void Barrier(HostCallOptions options = default) => HostOrAlone(options)?.Barrier(options);

    /// <summary>
    /// <paramref name="length"/> elements on each rank, zeroed, out of which the collectives of this group move long messages (parts of 4 KiB or more; AllReduce and Reduce from 16 KiB on) without
    /// copying them first, where all ranks share a node; elsewhere ordinary memory. Collective: all ranks ask for as many bytes. Making and zeroing it takes its time, so allocate once and use it often.
    /// </summary>
    /// <remarks>
    /// All inputs of a call should lie in such memory: a rank whose input does not makes all go on in chunks, at the usual speed. In AllReduce the outputs too. It is memory of the process (and of
    /// its cgroup), not of /dev/shm. Allocates on the managed heap; the calls that use it do not.
    /// </remarks>
    /// <exception cref="IOException">A rank gets no memory where all share a node. Thrown on all ranks, and the group goes on.</exception>
    /// <exception cref="OutOfMemoryException">This rank gets no ordinary memory. Thrown on this rank alone.</exception>
    /// <exception cref="CallMismatchException">A rank called something else, or asked for another size.</exception>
    public unsafe HostBuffer<T> AllocateHost<T>(int length, HostCallOptions options = default)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        nuint bytes = (nuint)length * (nuint)sizeof(T);
        return new HostBuffer<T>(HostOrAlone(options)?.Allocate(bytes, options) ?? new PrivateHostMemory(bytes), length);
    }

    /// <summary>
    /// What moves host memory between the members, for callers with raw pointers and counts beyond a span's. Null in a group of one.
    /// </summary>
    public IHostCommunicator? HostCommunicator => HostOrAlone(default);

    private IHostCommunicator? HostOrAlone(HostCallOptions options)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_host is null)
            options.CancellationToken.ThrowIfCancellationRequested();
        return _host;
    }
}
