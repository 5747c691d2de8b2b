using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Collectives over memory that all ranks of one node map. Ranks may be threads or processes. Everything is a sequence of phases: a rank writes
/// data, publishes its phase number (release), and waits until every peer has published it too (acquire). Buffers alternate by parity, so one phase of
/// distance is all the protection they need: the arguments stand beside each use.
/// </summary>
internal sealed unsafe partial class SharedMemoryCommunicator : IHostCommunicator, ISegmentOwner
{
    /// <summary>Above this many bytes chunks are reduced by their owners; up to it every rank reduces everything itself (2 cores; bench/results/mpi-race.json shows both sides).</summary>
    internal const int OneShotBytes = 16 << 10;

    private readonly SharedSegment _segment;
    private readonly SegmentLayout _layout;
    private readonly FaultBoard _board;
    private readonly CallGate _gate;
    private readonly Messenger _messenger;
    private readonly GroupMember[] _members;
    private readonly int _rank;
    private readonly HostReduction _reduction = new();
    private readonly nint[] _sources;

    // Bytes of each rank's part, as sender and as receiver, of the call in flight.
    private readonly nuint[] _lengths;
    private readonly nuint[] _sendLengths;

    /// <summary>Where each rank's part for this one begins in its input, in bytes.</summary>
    private readonly nuint[] _starts;
    private readonly SpinPolicy _spin;

    /// <summary>Null with a core for every rank.</summary>
    private readonly CorePlacement? _placement;

    /// <summary>As the <see cref="CallGate"/> has it; compared with what the peers show.</summary>
    private HostCall _call;
    private long _phase;
    private int _stagingParity;

    // By parity, the same on all ranks.
    private readonly Turn[] _stagings = new Turn[2];
    private readonly Turn[] _results = new Turn[2];

    /// <summary>Takes over <paramref name="segment"/>. <paramref name="members"/> are the ranks of the node in the order of the group, <paramref name="rank"/> the own index among them.</summary>
    internal SharedMemoryCommunicator(string group, SharedSegment segment, SegmentLayout layout, GroupMember[] members, int rank, TimeSpan timeout, SpinPolicy spin)
    {
        _segment = segment;
        _layout = layout;
        _members = members;
        _rank = rank;
        _sources = new nint[members.Length];
        _lengths = new nuint[members.Length];
        _starts = new nuint[members.Length];
        _inputs = new nint[members.Length];
        _outputs = new nint[members.Length];
        _sendLengths = new nuint[members.Length];
        _spin = spin;
        _placement = spin.Yields > 0 ? new CorePlacement(segment, members.Length, rank, spin.RanksPerCore) : null;
        _board = new FaultBoard(group, segment, members, rank);
        _gate = new CallGate(_board, timeout);
        _messenger = new Messenger(_board, _gate, _spin, new RingBell(segment, rank), [.. members.Select((_, peer) => peer == rank ? null : new RingChannel(segment, layout, rank, peer))], Timeout.InfiniteTimeSpan);
    }

    public string Name => "shared memory";

    public CollectiveException? Fault
    {
        get
        {
            _gate.ThrowIfClosed();
            return _gate.Look();
        }
    }

    public void Barrier(HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.Barrier, default, default, 0, 0), options);
        try
        {
            FirstPhase();
        }
        finally
        {
            Leave();
        }
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
    }

    SharedSegment ISegmentOwner.Segment => _segment;

    void ISegmentOwner.RaiseSilent(IReadOnlyCollection<int> missing) => _board.RaiseSilent(missing);

    public void Dispose()
    {
        if (_gate.IsClosed)
            return;
        _gate.Close();
        _board.Leave();
        _messenger.Dispose();
        _regions.ForEach(region => region.Dispose());
        _segment.Dispose();
    }

    private byte* Cell(int rank) => _segment.Base + SegmentLayout.CellsOffset + ((long)rank * SegmentLayout.CellBytes);

    private byte* Staging(int rank, int parity) => _segment.Base + _layout.StagingOffset + (((2L * rank) + parity) * _layout.ChunkBytes) + _stagings[parity].Start;

    private byte* Result(int parity) => _segment.Base + _layout.ResultOffset + ((long)parity * _layout.ChunkBytes) + _results[parity].Start;

    /// <summary>Begins a call: its description is where the peers will compare it.</summary>
    private void Enter(HostCall call, HostCallOptions options)
    {
        _gate.Enter(call, options);
        _call = call;
        long* slot = CallSlot(_rank);
        slot[0] = call.Word;
        slot[1] = call.Count;
        slot[2] = call.Digest;
    }

    private void Leave() => _gate.Leave();

    /// <summary>
    /// Two slots by the parity of the sequence number: a peer can be one call ahead of this rank (it needs this rank's phase for more), so it never overwrites the
    /// slot that this rank still compares.
    /// </summary>
    private long* CallSlot(int rank) => (long*)(Cell(rank) + SegmentLayout.CallsInCell) + (SegmentLayout.CallWords * (_gate.Sequence & 1));

    private void ThrowMismatch() => ThrowMismatch(string.Join("; ", _members
        .Select((member, index) => (member.Rank, Call: HostCall.FromWords(CallSlot(index)[0], CallSlot(index)[1], CallSlot(index)[2])))
        .GroupBy(item => item.Call, item => item.Rank)
        .Select(calls => $"{GroupMember.NameRanks(calls)} called {calls.Key}")));

    /// <summary>Only for what every rank finds at the same place: all of them throw with the same words.</summary>
    private void ThrowMismatch(string differences)
    {
        CallMismatchException mismatch = new($"Group {_board.Group}, call {_gate.Sequence}: the ranks made different calls: {differences}.", _board.Group, _gate.Call.ToString(), _gate.Sequence);
        _board.Raise(AbortWord.Kind.Mismatch, _rank, _rank);
        throw mismatch;
    }
}
