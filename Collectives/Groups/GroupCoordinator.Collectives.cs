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
    public void AllReduce<T>(ReadOnlySpan<T> input, Span<T> output, ReduceOp op = ReduceOp.Sum, HostCallOptions options = default)
        where T : unmanaged
    {
        if (input.Length != output.Length)
            throw new ArgumentException($"AllReduce of {input.Length} elements into {output.Length}.");
        if (input.Overlaps(output, out int offset) && offset != 0)
            throw new ArgumentException($"AllReduce: input and output overlap by all but {Math.Abs(offset)} elements; they must be the same memory or separate.");
        DataType type = DataTypeExtensions.Of<T>();
        if ((uint)op > (uint)ReduceOp.Average)
            throw new ArgumentOutOfRangeException(nameof(op), op, "No such reduction.");
        if (HostOrAlone(options) is not { } host)
        {
            input.CopyTo(output);
            return;
        }

        unsafe
        {
            fixed (T* from = input, to = output)
                host.AllReduce((nint)from, (nint)to, (nuint)input.Length, type, op, options);
        }
    }

    /// <summary>Copies the root's host memory to all others, bit by bit. <paramref name="root"/> is a rank in the group (0 to <see cref="WorldSize"/> - 1).</summary>
    /// <exception cref="PeerLostException">A rank ended, left, or stayed away past the deadline.</exception>
    /// <exception cref="CallMismatchException">A rank called something else.</exception>
    public void Broadcast<T>(Span<T> buffer, int root, HostCallOptions options = default)
        where T : unmanaged
    {
        if ((uint)root >= (uint)WorldSize)
            throw new ArgumentOutOfRangeException(nameof(root), root, $"A root is a rank in the group, 0 to {WorldSize - 1}.");
        DataType type = DataTypeExtensions.Of<T>();
        if (HostOrAlone(options) is not { } host)
            return;
        unsafe
        {
            fixed (T* data = buffer)
                host.Broadcast((nint)data, (nuint)buffer.Length, type, root, options);
        }
    }

    /// <summary>Returns when all ranks have called it.</summary>
    public void Barrier(HostCallOptions options = default) => HostOrAlone(options)?.Barrier(options);

    /// <summary>
    /// What moves host memory between the members, for callers with raw pointers and counts beyond a span's. Null in a group of one.
    /// Throws <see cref="NotSupportedException"/> if the members share no transport.
    /// </summary>
    public IHostCommunicator? HostCommunicator => HostOrAlone(default);

    /// <summary>Ends every call in flight on all ranks, and every later one, with <see cref="GroupAbortedException"/>.</summary>
    public void Abort(string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        HostOrAlone(default)?.Abort(reason);
    }

    /// <summary>Throws the group's fault if there is one. One read of memory otherwise.</summary>
    public void ThrowIfFaulted()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_host?.Fault is { } fault)
            throw fault;
    }

    private IHostCommunicator? HostOrAlone(HostCallOptions options)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_host is null && WorldSize > 1)
            throw new NotSupportedException($"Group {Name} spans {NodeCount} nodes, and host memory travels only inside a node so far.");
        if (_host is null)
            options.CancellationToken.ThrowIfCancellationRequested();
        return _host;
    }
}
