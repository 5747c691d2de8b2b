using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Collectives of a group that spans nodes, over the <see cref="Messenger"/>: rings between ranks of one node, TCP between nodes. Ranks of a node usually follow each other in
/// the group, so chains and rings in rank order cross between two nodes once. Every call begins with an agreement that compares it over all ranks, in about
/// log2(ranks) hops, and carries short inputs to everybody on the way (a tree for each of them); long ones follow in chains and rings.
/// </summary>
internal sealed unsafe partial class NodeCommunicator : IHostCommunicator
{
    /// <summary>The unit of chains: long enough for the cost of a frame, short enough that a chain fills soon.</summary>
    private const int ChunkBytes = 128 << 10;

    private readonly SharedSegment _segment;
    private readonly FaultBoard _board;
    private readonly CallGate _gate;
    private readonly Messenger _messenger;
    private readonly GroupMember[] _members;
    private readonly int _rank;
    private readonly HostReduction _reduction = new();
    private readonly nint[] _sources;
    private readonly int _inlineBytes;
    private readonly byte* _blocks;
    private readonly nuint[] _blockStarts;
    private readonly byte* _work;
    private byte* _spare;
    private nuint _spareBytes;

    /// <summary>Takes over <paramref name="segment"/> (the node's) and <paramref name="channels"/> (to each other rank of the group).</summary>
    internal NodeCommunicator(string group, SharedSegment segment, int cell, PeerChannel?[] channels, GroupMember[] members, int rank, TimeSpan timeout, SpinPolicy spin)
    {
        _segment = segment;
        _members = members;
        _rank = rank;
        _sources = new nint[members.Length];
        _board = new FaultBoard(group, segment, members, rank);
        _gate = new CallGate(_board, timeout);
        _messenger = new Messenger(_board, _gate, spin, new RingBell(segment, cell), channels, TcpMesh.Patience(timeout));
        _inlineBytes = Math.Clamp((64 << 10) / members.Length, 1 << 10, 4 << 10) / BlockAlignment * BlockAlignment;
        BlockCapacity = (nuint)(BlockHeaderBytes + Math.Max(_inlineBytes, 2 * sizeof(nuint) * members.Length));
        _blocks = (byte*)NativeMemory.Alloc((nuint)members.Length * BlockCapacity);
        _blockStarts = new nuint[members.Length + 1];
        _work = (byte*)NativeMemory.AlignedAlloc(4 * ChunkBytes, 64);
    }

    public string Name => "shared memory and TCP";

    /// <summary>What other nodes have to say is looked at here as well, unless a call is in flight, which does so itself.</summary>
    public CollectiveException? Fault
    {
        get
        {
            _gate.ThrowIfClosed();
            if (_gate.TryHold())
            {
                _messenger.Look();
                _messenger.EndCall();
            }

            return _gate.Look();
        }
    }

    public void Barrier(HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.Barrier, default, default, 0, 0), options);
        try
        {
            Agree(null, 0);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    /// <summary>Memory of each process: what goes to another node is copied anyway. Compared like every call.</summary>
    public SafeBuffer Allocate(nuint bytes, HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.AllocateHost, DataType.UInt8, default, 0, (long)bytes), options);
        try
        {
            Agree(null, 0);
        }
        finally
        {
            _messenger.EndCall();
        }

        return new PrivateHostMemory(bytes);
    }

    public void Send(nint buffer, nuint count, DataType type, int destination, int tag, HostCallOptions options = default) =>
        _messenger.Send(buffer, count, type, destination, tag, options);

    public HostMessage Receive(nint buffer, nuint capacity, DataType type, int source, int tag, HostCallOptions options = default) =>
        _messenger.Receive(buffer, capacity, type, source, tag, options);

    public HostMessage SendReceive(nint sendBuffer, nuint sendCount, int destination, int sendTag, nint receiveBuffer, nuint receiveCapacity, int source, int receiveTag, DataType type, HostCallOptions options = default) =>
        _messenger.SendReceive(sendBuffer, sendCount, destination, sendTag, receiveBuffer, receiveCapacity, source, receiveTag, type, options);

    public void Abort(string reason)
    {
        _gate.ThrowIfClosed();
        _board.Raise(AbortWord.Kind.Requested, _rank, _rank, reason);

        // A call in flight tells the other nodes itself when it ends, at once.
        if (_gate.TryHold())
            _messenger.EndCall();
    }

    public void Dispose()
    {
        if (_gate.IsClosed)
            return;
        _gate.Close();
        _board.Leave();
        _messenger.Dispose();
        _segment.Dispose();
        NativeMemory.Free(_blocks);
        NativeMemory.AlignedFree(_work);
        NativeMemory.Free(_spare);
    }

    private int Next => (_rank + 1) % _members.Length;

    private int Previous => (_rank + _members.Length - 1) % _members.Length;

    private void Enter(HostCall call, HostCallOptions options)
    {
        _gate.Enter(call, options);
        _messenger.BeginParts();
    }

    /// <summary>Memory of at least so many bytes that lasts until the next call of this.</summary>
    private byte* Spare(nuint bytes)
    {
        if (bytes > _spareBytes)
        {
            _spare = (byte*)NativeMemory.Realloc(_spare, bytes);
            _spareBytes = bytes;
        }

        return _spare;
    }

    private static void Copy(byte* from, byte* to, nuint bytes)
    {
        if (from != to)
            Buffer.MemoryCopy(from, to, bytes, bytes);
    }
}
