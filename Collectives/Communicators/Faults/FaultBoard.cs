using System.Globalization;
using System.Text;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// What the ranks of a node tell each other, in their segment, about the end of the group: the abort word, who has left, and why. Watches the
/// processes of the node; what happens on other nodes is put up here by whoever learns of it.
/// </summary>
internal sealed unsafe class FaultBoard
{
    private readonly string _group;
    private readonly SharedSegment _segment;
    private readonly GroupMember[] _members;
    private readonly int _rank;
    private readonly int[] _cellOfRank;
    private readonly int _cells;
    private readonly IDisposable[] _watches;

    /// <summary>Does not take over <paramref name="segment"/>. <paramref name="members"/> is the whole group, <paramref name="rank"/> the own index in it.</summary>
    internal FaultBoard(string group, SharedSegment segment, GroupMember[] members, int rank)
    {
        _group = group;
        _segment = segment;
        _members = members;
        _rank = rank;
        _cellOfRank = new int[members.Length];
        for (int i = 0; i < members.Length; i++)
            _cellOfRank[i] = members[i].NodeId == members[rank].NodeId ? _cells++ : -1;
        _watches = [.. members.Select((member, index) => (member, index))
            .Where(item => _cellOfRank[item.index] >= 0 && item.member.ProcessId != Environment.ProcessId)
            .Select(item => ProcessWatch.Start(item.member.ProcessId, item.member.ProcessStartTime, () => OnProcessEnded(item.index)))];

        // The first use of an import allocates; later ones, in calls that must not, don't.
        int word = 0;
        timespec none = default;
        _ = PosixNative.futex_wake(&word, 1);
        _ = PosixNative.ppoll(null, 0, &none, null);
    }

    internal string Group => _group;

    internal GroupMember[] Members => _members;

    internal int Rank => _rank;

    internal AbortWord Word => new(Volatile.Read(ref *(long*)(_segment.Base + SegmentLayout.AbortOffset)));

    internal bool IsRaised => Volatile.Read(ref *(long*)(_segment.Base + SegmentLayout.AbortOffset)) != 0;

    /// <summary>Whether a rank of this node has disposed its end. Written after its last phase and message: what is missing then will not come.</summary>
    internal bool HasLeft(int rank) => Volatile.Read(ref *(int*)(CellOf(rank) + SegmentLayout.LeftInCell)) != 0;

    internal void Leave()
    {
        foreach (IDisposable watch in _watches)
            watch.Dispose();
        Volatile.Write(ref *(int*)(CellOf(_rank) + SegmentLayout.LeftInCell), 1);
        WakeAll();
    }

    /// <summary>The first one wins. Everybody who sleeps wakes up and looks. Any thread, also while another one disposes the group: then <see cref="ObjectDisposedException"/>.</summary>
    internal void Raise(AbortWord.Kind kind, int subject, int by, string text = "")
    {
        using SharedSegment.Lease lease = _segment.Hold();
        lock (_watches)
        {
            // Not over the text of an own earlier abort, which somebody may be reading.
            if (IsRaised)
                return;
            byte* area = CellOf(_rank) + SegmentLayout.AbortTextInCell;
            Encoding.UTF8.GetEncoder().Convert(text, new Span<byte>(area + sizeof(ushort), SegmentLayout.MaxAbortTextBytes), flush: true, out _, out int bytes, out _);
            *(ushort*)area = (ushort)bytes;
            Interlocked.CompareExchange(ref *(long*)(_segment.Base + SegmentLayout.AbortOffset), new AbortWord(kind, subject, by, _cellOfRank[_rank]).Value, 0);
        }

        WakeAll();
    }

    /// <summary>As many of the missing as the text has room for.</summary>
    internal void RaiseSilent(IReadOnlyCollection<int> missing)
    {
        string roster = string.Join(',', missing.Select(rank => rank.ToString(CultureInfo.InvariantCulture)));
        if (roster.Length > SegmentLayout.MaxAbortTextBytes)
            roster = roster[..roster.LastIndexOf(',', SegmentLayout.MaxAbortTextBytes)];
        Raise(AbortWord.Kind.Silent, missing.First(), _rank, roster);
    }

    /// <summary>The fault, or null. Any thread.</summary>
    internal CollectiveException? Look(HostCall call, long sequence)
    {
        using SharedSegment.Lease lease = _segment.Hold();
        return IsRaised ? CreateFault(Word, call, sequence) : null;
    }

    internal string TextOf(AbortWord word)
    {
        byte* area = Cell(Math.Min(word.Teller, _cells - 1)) + SegmentLayout.AbortTextInCell;
        return Encoding.UTF8.GetString(area + sizeof(ushort), Math.Min((int)*(ushort*)area, SegmentLayout.MaxAbortTextBytes));
    }

    /// <summary>What the rank that makes <paramref name="call"/> (none: <c>default</c>) throws for the word.</summary>
    internal CollectiveException CreateFault(AbortWord word, HostCall call, long sequence)
    {
        string operation = call.ToString();
        string where = $"Group {_group}, {(operation.Length == 0 ? "after" : $"{operation},")} call {sequence}";
        GroupMember subject = _members[Math.Min(word.Subject, _members.Length - 1)];
        GroupMember by = _members[Math.Min(word.By, _members.Length - 1)];
        string text = TextOf(word);
        switch (word.Why)
        {
            case AbortWord.Kind.ProcessEnded:
                return Lost($"{subject} is lost: its process has ended.", PeerLossReason.ProcessEnded, [subject]);
            case AbortWord.Kind.Unreachable:
                return Lost($"{subject} is lost: {by} has no connection to it any more ({text}).", PeerLossReason.Unreachable, [subject]);
            case AbortWord.Kind.Left:
                return Lost($"{subject} disposed the group; {by} still waits for it.", PeerLossReason.Left, [subject]);
            case AbortWord.Kind.Silent:
                GroupMember[] missing = [.. Roster(text).DefaultIfEmpty(subject)];
                return Lost($"{string.Join(", ", missing.AsEnumerable())} did not arrive before the deadline of {by}.", PeerLossReason.Silent, missing);
            case AbortWord.Kind.Mismatch:
                return new CallMismatchException(text.Length == 0 ? $"{where}: the ranks made different calls; {by} and its peers say which." : $"{where}: {text}", _group, operation, sequence);
            default:
                return new GroupAbortedException($"{where}: aborted by {by}: {text}", _group, operation, sequence, by.Rank);
        }

        PeerLostException Lost(string what, PeerLossReason reason, GroupMember[] peers) => new($"{where}: {what}", _group, operation, sequence, peers, reason);
    }

    private IEnumerable<GroupMember> Roster(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int rank) && rank < _members.Length ? _members[rank] : null)
        .OfType<GroupMember>();

    private byte* CellOf(int rank) => Cell(_cellOfRank[rank]);

    private byte* Cell(int cell) => _segment.Base + SegmentLayout.CellsOffset + ((long)cell * SegmentLayout.CellBytes);

    /// <summary>Rings the bell of the phases and the one of each rank that waits for messages.</summary>
    private void WakeAll()
    {
        Ring(_segment.Base + SegmentLayout.BellOffset);
        for (int cell = 0; cell < _cells; cell++)
            Ring(Cell(cell) + SegmentLayout.BellInCell);

        static void Ring(byte* bell)
        {
            Interlocked.Increment(ref *(int*)bell);
            PosixNative.futex_wake((int*)bell, int.MaxValue);
        }
    }

    private void OnProcessEnded(int rank)
    {
        try
        {
            using SharedSegment.Lease lease = _segment.Hold();
            if (!HasLeft(rank))
                Raise(AbortWord.Kind.ProcessEnded, rank, _rank);
        }
        catch (ObjectDisposedException)
        {
            // This rank left before its peer ended.
        }
    }
}
