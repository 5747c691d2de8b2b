using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Collectives and messages over MPI's point-to-point calls, between any nodes that MPI reaches. Reductions fold here, in rank order: MPI's own promise no order.
/// Every call begins with one small message to and from each peer that says what is called, so that a mismatch and a missing rank are known by name; what is
/// short travels with it. MPI only ever touches memory of the communicator's own, which it may still hold after a call was interrupted.
/// </summary>
internal sealed unsafe partial class MpiHostCommunicator : IHostCommunicator
{
    private readonly string _group;
    private readonly long _generation;
    private readonly GroupMember[] _members;
    private readonly int _rank;
    private readonly TimeSpan _timeout;
    private readonly MpiTags _tags;
    private readonly SpinPolicy _spin;
    private readonly HostReduction _reduction = new();
    private readonly nint[] _sources;
    private readonly IDisposable[] _watches;

    private long _sequence;
    private int _busy;
    private volatile bool _disposed;
    private volatile MpiCause? _cause;

    // The call in flight; read by the waiting loop.
    private HostCall _call;
    private MessageCall _messageCall;
    private long _deadline;
    private TimeSpan _callTimeout;
    private CancellationToken _cancellation;

    /// <summary>MPI is ready and the ranks in <paramref name="members"/> are MPI's.</summary>
    internal MpiHostCommunicator(string group, long generation, GroupMember[] members, int rank, TimeSpan timeout, int chunkBytes)
    {
        _group = group;
        _generation = generation;
        _members = members;
        _rank = rank;
        _timeout = timeout;
        _tags = new MpiTags(generation, MpiRuntime.LargestTag);
        _sources = new nint[members.Length];
        GroupMember[] node = [.. members.Where(member => member.NodeId == members[rank].NodeId)];
        _spin = new SpinPolicy(node.Length, AllowedProcessors.CountUnion(node));
        (_hello, _steps, _control, _messages) = (new Hello(members.Length), new StepBuffers(members.Length, chunkBytes), new ControlBuffers(members.Length), new MessageBuffers(members.Length));
        _groupRanks = members.Select((member, index) => (member.Rank, index)).ToDictionary();
        _countTaken = source => _messages.Taken[GroupRank(source)]++;
        _lengths = new nuint[members.Length];
        _sendLengths = new nuint[members.Length];
        _watches = [.. members.Select((member, index) => (member, index))
            .Where(item => item.index != rank && item.member.NodeId == members[rank].NodeId)
            .Select(item => ProcessWatch.Start(item.member.ProcessId, item.member.ProcessStartTime, () => OnProcessEnded(item.index)))];

        // The first use of an import allocates; later ones, in calls that must not, don't. These are the ones that only a long wait uses.
        Nap(1);
        lock (MpiRuntime.Lock)
        {
            _ = _hello.Requests.Test(0);
            _ = MpiProbe.Look(_tags.Control, out _, out _);
        }
    }

    public string Name => "MPI";

    public CollectiveException? Fault
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_cause is null)
            {
                lock (MpiRuntime.Lock)
                    ReadControl();
            }

            return _cause is { } cause ? CreateFault(cause) : null;
        }
    }

    public void Abort(string reason)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Raise(new MpiCause(AbortWord.Kind.Requested, _rank, _rank, reason));
    }

    public void Dispose()
    {
        if (_disposed)
            return;

        // A call of another thread that is in flight still uses the buffers: end it first.
        while (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            Abort("disposed while a call was in flight");
            Thread.Yield();
        }

        _disposed = true;
        foreach (IDisposable watch in _watches)
            watch.Dispose();
        Farewell();
        MpiRuntime.Retire(this);
    }

    /// <summary>Begins a collective: one call at a time, nothing on a faulted group.</summary>
    private void Enter(HostCall call, HostCallOptions options)
    {
        Begin(options);
        _call = call;
        _sequence++;
        ThrowIfFaulted();
    }

    private void Begin(HostCallOptions options)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        options.CancellationToken.ThrowIfCancellationRequested();
        TimeSpan timeout = options.Timeout ?? _timeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(options));
        if (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
            throw new InvalidOperationException($"A call on group {_group} while {Operation} of another thread is in flight. Calls of one group are ordered; use a sibling group for concurrent ones.");
        _callTimeout = timeout;
        _deadline = 0;
        _cancellation = options.CancellationToken;
    }

    private void ThrowIfFaulted()
    {
        if (_cause is not { } cause)
            return;
        CollectiveException fault = CreateFault(cause);
        Leave();
        throw fault;
    }

    private void Leave()
    {
        _call = default;
        _messageCall = default;
        _cancellation = default;
        Volatile.Write(ref _busy, 0);
    }

    private string Operation => _call.Kind != CollectiveKind.None ? _call.ToString() : _messageCall.ToString();

    private CollectiveException CreateFault(MpiCause cause)
    {
        string operation = Operation;
        string where = $"Group {_group}, {(operation.Length == 0 ? "after" : $"{operation},")} call {_sequence}";
        GroupMember subject = _members[Math.Clamp(cause.Subject, 0, _members.Length - 1)];
        GroupMember by = _members[Math.Clamp(cause.By, 0, _members.Length - 1)];
        return cause.Kind switch
        {
            AbortWord.Kind.ProcessEnded => new PeerLostException($"{where}: {subject} is lost: its process has ended.", _group, operation, _sequence, [subject], PeerLossReason.ProcessEnded),
            AbortWord.Kind.Left => new PeerLostException($"{where}: {subject} disposed the group; {by} still waits for it.", _group, operation, _sequence, [subject], PeerLossReason.Left),
            AbortWord.Kind.Silent => new PeerLostException($"{where}: {subject} did not arrive before the deadline of {by}.", _group, operation, _sequence, [subject], PeerLossReason.Silent),
            AbortWord.Kind.Mismatch => new CallMismatchException($"{where}: {cause.Text}", _group, operation, _sequence),
            _ => new GroupAbortedException($"{where}: aborted by {by}: {cause.Text}", _group, operation, _sequence, by.Rank),
        };
    }

    internal bool WasInterrupted => _cause is not null;

    /// <summary>When nobody will send here any more: throws away what has come unasked, and frees what MPI does not hold. False: too early.</summary>
    internal bool TryClear()
    {
        try
        {
            ReadControl();
            if (_cause is null && !_control.AllLeft(_rank))
                return false;
            foreach (int tag in (ReadOnlySpan<int>)[_tags.Call, _tags.Data, _tags.Control, _tags.Message, _tags.Clear, _tags.Bulk])
                Discard(tag);
            if (!Release())
                return false;
        }
        catch (MpiException)
        {
            // The memory stays MPI's.
            MpiRuntime.MarkBroken();
        }

        return true;
    }

    private static void Discard(int tag)
    {
        while (MpiProbe.Look(tag, out int source, out nuint bytes))
        {
            void* buffer = NativeMemory.Alloc(Math.Max(bytes, 1));
            using MpiRequests request = new(1);
            request.Receive(0, buffer, bytes, source, tag);

            // What was probed has arrived or is on its way from a live peer; if that ends meanwhile the buffer is left to MPI.
            for (int i = 0; i < 1000; i++)
            {
                if (request.Test(0))
                {
                    NativeMemory.Free(buffer);
                    break;
                }

                Thread.Yield();
            }
        }
    }

    private bool Release()
    {
        bool quiet = _hello.Requests.TryCancelReceives(_members.Length) & _steps.TryCancel(_members.Length) & _control.Requests.TestAll() & _messages.TryCancel();
        if (!quiet)
            return false;
        _hello.Dispose();
        _steps.Dispose();
        _control.Dispose();
        _messages.Dispose();
        return true;
    }
}
