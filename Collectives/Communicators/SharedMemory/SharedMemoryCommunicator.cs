using System.Text;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Collectives over memory that all ranks of one node map. Ranks may be threads or processes. Everything is a sequence of phases: a rank writes
/// data, publishes its phase number (release), and waits until every peer has published it too (acquire). Buffers alternate by parity, so one phase of
/// distance is all the protection they need: the arguments stand beside each use.
/// </summary>
internal sealed unsafe partial class SharedMemoryCommunicator : IHostCommunicator
{
    /// <summary>Above this many bytes chunks are reduced by their owners; up to it every rank reduces everything itself (2 cores; bench/results/mpi-race.json shows both sides).</summary>
    internal const int OneShotBytes = 16 << 10;

    private readonly string _group;
    private readonly SharedSegment _segment;
    private readonly SegmentLayout _layout;
    private readonly GroupMember[] _members;
    private readonly int _rank;
    private readonly TimeSpan _timeout;
    private readonly HostReduction _reduction = new();
    private readonly nint[] _sources;

    // Bytes of each rank's part, as sender and as receiver, of the call in flight.
    private readonly nuint[] _lengths;
    private readonly nuint[] _sendLengths;
    private readonly IDisposable[] _watches;
    private readonly SpinPolicy _spin;

    private long _phase;
    private long _sequence;
    private int _stagingParity;
    private int _busy;
    private volatile bool _disposed;

    // The call in flight; read by the waiting loop.
    private HostCall _call;
    private long _deadline;
    private TimeSpan _callTimeout;
    private CancellationToken _cancellation;

    /// <summary>Takes over <paramref name="segment"/>. <paramref name="members"/> are the ranks of the node in the order of the group, <paramref name="rank"/> the own index among them.</summary>
    internal SharedMemoryCommunicator(string group, SharedSegment segment, SegmentLayout layout, GroupMember[] members, int rank, TimeSpan timeout, int cores)
    {
        _group = group;
        _segment = segment;
        _layout = layout;
        _members = members;
        _rank = rank;
        _timeout = timeout;
        _sources = new nint[members.Length];
        _lengths = new nuint[members.Length];
        _sendLengths = new nuint[members.Length];
        _spin = new SpinPolicy(members.Length, cores);
        _watches = [.. members.Select((member, index) => (member, index))
            .Where(item => item.member.ProcessId != Environment.ProcessId)
            .Select(item => ProcessWatch.Start(item.member.ProcessId, item.member.ProcessStartTime, () => OnProcessEnded(item.index)))];
    }

    public string Name => "shared memory";

    public CollectiveException? Fault
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int word = Volatile.Read(ref AbortWordRef);
            return word == 0 ? null : CreateFault(new AbortWord(word));
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

    public void Send(nint buffer, nuint count, DataType type, int destination, int tag, HostCallOptions options = default) => throw new NotImplementedException();

    public HostMessage Receive(nint buffer, nuint capacity, DataType type, int source, int tag, HostCallOptions options = default) => throw new NotImplementedException();

    public HostMessage SendReceive(nint sendBuffer, nuint sendCount, int destination, int sendTag, nint receiveBuffer, nuint receiveCapacity, int source, int receiveTag, DataType type, HostCallOptions options = default) => throw new NotImplementedException();

    public void Abort(string reason)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        WriteAbortText(reason);
        RaiseAbort(new AbortWord(AbortWord.Kind.Requested, _rank, _rank));
    }

    public void Dispose()
    {
        if (_disposed)
            return;

        // A call of another thread that is in flight must not lose its mapping: end it first.
        while (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            Abort("disposed while a call was in flight");
            Thread.Yield();
        }

        _disposed = true;
        foreach (IDisposable watch in _watches)
            watch.Dispose();
        Volatile.Write(ref *(int*)(Cell(_rank) + SegmentLayout.LeftInCell), 1);
        RingBell();
        _segment.Dispose();
    }

    private ref int AbortWordRef => ref *(int*)(_segment.Base + SegmentLayout.AbortOffset);

    private byte* Cell(int rank) => _segment.Base + SegmentLayout.CellsOffset + ((long)rank * SegmentLayout.CellBytes);

    private byte* Staging(int rank, int parity) => _segment.Base + _layout.StagingOffset + (((2L * rank) + parity) * _layout.ChunkBytes);

    private byte* Result(int parity) => _segment.Base + _layout.ResultOffset + ((long)parity * _layout.ChunkBytes);

    /// <summary>Begins a call: one at a time, nothing on a faulted group, and its description is where the peers will compare it.</summary>
    private void Enter(HostCall call, HostCallOptions options)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        options.CancellationToken.ThrowIfCancellationRequested();
        TimeSpan timeout = options.Timeout ?? _timeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(options));
        if (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
            ThrowBusy(call);

        _call = call;
        _sequence++;
        _callTimeout = timeout;
        _deadline = 0;
        _cancellation = options.CancellationToken;
        int abort = Volatile.Read(ref AbortWordRef);
        if (abort != 0)
            ThrowFaultedAtEntry(abort);

        long* slot = CallSlot(_rank);
        slot[0] = call.Word;
        slot[1] = call.Count;
        slot[2] = call.Digest;
    }

    private void Leave()
    {
        _call = default;
        _cancellation = default;
        Volatile.Write(ref _busy, 0);
    }

    private void ThrowFaultedAtEntry(int abort)
    {
        CollectiveException fault = CreateFault(new AbortWord(abort));
        Leave();
        throw fault;
    }

    private void ThrowBusy(HostCall call) =>
        throw new InvalidOperationException($"{call} on group {_group} while {_call} of another thread is in flight. Calls of one group are ordered; use a sibling group for concurrent ones.");

    /// <summary>
    /// Two slots by the parity of the sequence number: a peer can be one call ahead of this rank (it needs this rank's phase for more), so it never overwrites the
    /// slot that this rank still compares.
    /// </summary>
    private long* CallSlot(int rank) => (long*)(Cell(rank) + SegmentLayout.CallsInCell) + (SegmentLayout.CallWords * (_sequence & 1));

    private void ThrowMismatch() => ThrowMismatch(string.Join("; ", _members
        .Select((member, index) => (member.Rank, Call: HostCall.FromWords(CallSlot(index)[0], CallSlot(index)[1], CallSlot(index)[2])))
        .GroupBy(item => item.Call, item => item.Rank)
        .Select(calls => $"{GroupMember.NameRanks(calls)} called {calls.Key}")));

    /// <summary>Only for what every rank finds at the same place: all of them throw with the same words.</summary>
    private void ThrowMismatch(string differences)
    {
        CallMismatchException mismatch = new($"Group {_group}, call {_sequence}: the ranks made different calls: {differences}.", _group, _call.ToString(), _sequence);
        RaiseAbort(new AbortWord(AbortWord.Kind.Mismatch, _rank, _rank));
        throw mismatch;
    }

    private void OnProcessEnded(int index)
    {
        bool held = false;
        try
        {
            _segment.DangerousAddRef(ref held);
            if (Volatile.Read(ref *(int*)(Cell(index) + SegmentLayout.LeftInCell)) == 0)
                RaiseAbort(new AbortWord(AbortWord.Kind.ProcessEnded, index, _rank));
        }
        catch (ObjectDisposedException)
        {
            // This rank left before its peer ended.
        }
        finally
        {
            if (held)
                _segment.DangerousRelease();
        }
    }

    /// <summary>The first one wins. Everybody who sleeps wakes up and looks.</summary>
    private void RaiseAbort(AbortWord word)
    {
        Interlocked.CompareExchange(ref AbortWordRef, word.Value, 0);
        RingBell();
    }

    private void WriteAbortText(string reason)
    {
        byte* text = Cell(_rank) + SegmentLayout.AbortTextInCell;
        Encoding.UTF8.GetEncoder().Convert(reason, new Span<byte>(text + sizeof(ushort), SegmentLayout.MaxAbortTextBytes), flush: true, out _, out int bytes, out _);
        *(ushort*)text = (ushort)bytes;
    }

    private string ReadAbortText(int rank)
    {
        byte* text = Cell(rank) + SegmentLayout.AbortTextInCell;
        return Encoding.UTF8.GetString(text + sizeof(ushort), Math.Min((int)*(ushort*)text, SegmentLayout.MaxAbortTextBytes));
    }

    private CollectiveException CreateFault(AbortWord word)
    {
        string operation = _call.Kind == CollectiveKind.None ? "" : _call.ToString();
        string where = $"Group {_group}, {(operation.Length == 0 ? "after" : $"{operation},")} call {_sequence}";
        GroupMember subject = _members[Math.Min(word.Subject, _members.Length - 1)];
        GroupMember by = _members[Math.Min(word.By, _members.Length - 1)];
        return word.Why switch
        {
            AbortWord.Kind.ProcessEnded => new PeerLostException($"{where}: {subject} is lost: its process has ended.", _group, operation, _sequence, subject, PeerLossReason.ProcessEnded),
            AbortWord.Kind.Left => new PeerLostException($"{where}: {subject} disposed the group; {by} still waits for it.", _group, operation, _sequence, subject, PeerLossReason.Left),
            AbortWord.Kind.Silent => new PeerLostException($"{where}: {subject} did not arrive before the deadline of {by}.", _group, operation, _sequence, subject, PeerLossReason.Silent),
            AbortWord.Kind.Mismatch => new CallMismatchException($"{where}: the ranks made different calls; {by} and its peers say which.", _group, operation, _sequence),
            _ => new GroupAbortedException($"{where}: aborted by {by}: {ReadAbortText(word.By)}", _group, operation, _sequence, by.Rank),
        };
    }
}
