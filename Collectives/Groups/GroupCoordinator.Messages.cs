using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    /// <summary>
    /// Sends host memory to one rank of the group, where one <see cref="Receive{T}(Span{T}, int, int, HostCallOptions)"/> takes it. Messages of one rank to another with one tag arrive in the order in which they were
    /// sent. Up to <see cref="HostMessage.EagerBytes"/> bytes it does not wait for the receiver; a longer message may. Allocates nothing in the steady state.
    /// </summary>
    /// <param name="buffer">What to send; may be changed as soon as this returns.</param>
    /// <param name="destination">A rank in the group, not this one.</param>
    /// <param name="tag">0 or more.</param>
    /// <param name="options">Deadline and cancellation.</param>
    /// <exception cref="PeerLostException">The receiver ended, left, or did not take it before the deadline.</exception>
    public unsafe void Send<T>(ReadOnlySpan<T> buffer, int destination, int tag = 0, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckPeer(destination, nameof(destination));
        ArgumentOutOfRangeException.ThrowIfNegative(tag);
        DataType type = DataTypeExtensions.Of<T>();
        fixed (T* data = buffer)
            HostOrAlone(options)!.Send((nint)data, (nuint)buffer.Length, type, destination, tag, options);
    }

    /// <summary>
    /// Receives one message, which may be shorter than <paramref name="buffer"/>: the result tells its length, source and tag.
    /// </summary>
    /// <param name="buffer">At least as long as the message.</param>
    /// <param name="source">A rank in the group, or <see cref="HostMessage.Any"/>.</param>
    /// <param name="tag">0 or more, or <see cref="HostMessage.Any"/>.</param>
    /// <param name="options">Deadline and cancellation.</param>
    /// <exception cref="CallMismatchException">The message is longer than the buffer, or of another type.</exception>
    /// <exception cref="PeerLostException">The sender ended, left, or sent nothing before the deadline.</exception>
    public unsafe HostMessage Receive<T>(Span<T> buffer, int source, int tag = 0, HostCallOptions options = default)
        where T : unmanaged
    {
        CheckSource(source, tag);
        if (WorldSize == 1)
            throw new ArgumentException($"Group {Name} has one rank: nobody else can send to it.", nameof(source));
        DataType type = DataTypeExtensions.Of<T>();
        fixed (T* data = buffer)
            return HostOrAlone(options)!.Receive((nint)data, (nuint)buffer.Length, type, source, tag, options);
    }

    /// <summary>
    /// Both at once, so that ranks that exchange long messages (rings, neighbours) do not wait for each other. The buffers must not overlap. Sending to oneself is allowed here if
    /// that is also where the message is received from.
    /// </summary>
    public unsafe HostMessage SendReceive<T>(ReadOnlySpan<T> input, int destination, Span<T> output, int source, int tag = 0, HostCallOptions options = default)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tag);
        if (input.Overlaps(output))
            throw new ArgumentException("SendReceive: input and output overlap; they must be separate.");
        DataType type = DataTypeExtensions.Of<T>();
        if (destination == RankInGroup && source == RankInGroup)
        {
            _ = HostOrAlone(options);
            if (input.Length > output.Length)
                throw new ArgumentException($"SendReceive of {input.Length} elements into {output.Length}.");
            input.CopyTo(output);
            return new HostMessage(source, tag, (nuint)input.Length);
        }

        CheckPeer(destination, nameof(destination));
        CheckSource(source, tag);
        fixed (T* from = input, to = output)
            return HostOrAlone(options)!.SendReceive((nint)from, (nuint)input.Length, destination, tag, (nint)to, (nuint)output.Length, source, tag, type, options);
    }

    /// <summary>Collects small tensors and moves them together: one call to the peers in place of many. See <see cref="HostBatch"/>.</summary>
    public HostBatch Batch() => new(this);

    private void CheckSource(int source, int tag)
    {
        if (source != HostMessage.Any)
            CheckPeer(source, nameof(source));
        ArgumentOutOfRangeException.ThrowIfLessThan(tag, HostMessage.Any);
    }

    private void CheckPeer(int peer, string name)
    {
        if ((uint)peer >= (uint)WorldSize || peer == RankInGroup)
            throw new ArgumentOutOfRangeException(name, peer, $"A peer is a rank in the group, 0 to {WorldSize - 1}, and not this one, {RankInGroup}.");
    }
}
