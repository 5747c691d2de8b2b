namespace CollectivesSharp;

/// <summary>
/// Two rings in the node's segment, one for each direction. Positions count bytes for ever. The writer fills bytes and then moves its position (release); the reader
/// sees it (acquire), copies, and moves its own (release), which the writer sees (acquire) before it writes there again.
/// </summary>
internal sealed unsafe class RingChannel : PeerChannel
{
    private const int ReadOffset = 0;
    private const int WrittenOffset = 128;

    private readonly byte* _out;
    private readonly byte* _in;
    private readonly nuint _capacity;
    private readonly RingBell _peer;
    private ulong _written;
    private ulong _read;

    /// <param name="segment">Must outlive this.</param>
    /// <param name="layout">The segment's.</param>
    /// <param name="own">This rank's cell.</param>
    /// <param name="peer">The peer's.</param>
    internal RingChannel(SharedSegment segment, SegmentLayout layout, int own, int peer)
    {
        _out = segment.Base + layout.RingOffset(own, peer);
        _in = segment.Base + layout.RingOffset(peer, own);
        _capacity = (nuint)layout.RingBytes;
        _peer = new RingBell(segment, peer);
    }

    internal override int Descriptor => -1;

    internal override nuint Write(byte* header, nuint headerBytes, byte* payload, nuint payloadBytes)
    {
        nuint free = _capacity - (nuint)(_written - Volatile.Read(ref *(ulong*)(_out + ReadOffset)));
        nuint first = Math.Min(free, headerBytes), second = Math.Min(free - first, payloadBytes);
        if (first + second == 0)
            return 0;
        CopyIn(header, first);
        CopyIn(payload, second);
        Volatile.Write(ref *(ulong*)(_out + WrittenOffset), _written);
        _peer.RingIfAsleep();
        return first + second;
    }

    internal override nuint Read(byte* target, nuint bytes)
    {
        nuint count = Math.Min((nuint)(Volatile.Read(ref *(ulong*)(_in + WrittenOffset)) - _read), bytes);
        if (count == 0)
            return 0;
        nuint start = (nuint)_read & (_capacity - 1), straight = Math.Min(count, _capacity - start);
        Buffer.MemoryCopy(_in + SegmentLayout.RingHeaderBytes + start, target, straight, straight);
        Buffer.MemoryCopy(_in + SegmentLayout.RingHeaderBytes, target + straight, count - straight, count - straight);
        _read += count;
        Volatile.Write(ref *(ulong*)(_in + ReadOffset), _read);
        _peer.RingIfAsleep();
        return count;
    }

    public override void Dispose()
    {
    }

    private void CopyIn(byte* from, nuint count)
    {
        nuint start = (nuint)_written & (_capacity - 1), straight = Math.Min(count, _capacity - start);
        Buffer.MemoryCopy(from, _out + SegmentLayout.RingHeaderBytes + start, straight, straight);
        Buffer.MemoryCopy(from + straight, _out + SegmentLayout.RingHeaderBytes, count - straight, count - straight);
        _written += count;
    }
}
