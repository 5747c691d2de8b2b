using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    /// <summary>
    /// One collective as a row of steps: each rank shows something, one phase, each rank collects what it needs from what all have shown. A struct, so
    /// that the loop is compiled for each plan and nothing is allocated.
    /// </summary>
    private interface IPlan
    {
        /// <summary>What the others read of, null if they read nothing of this rank's.</summary>
        byte* Input(SharedMemoryCommunicator self);

        /// <summary>Writes what this rank has for its peers. Not called where they read its input itself.</summary>
        void Stage(SharedMemoryCommunicator self, nuint step);

        /// <summary>What concerns no peer: runs while they arrive. No default body: that would box the struct.</summary>
        void CopyOwn(SharedMemoryCommunicator self, nuint step);

        /// <summary>Reads what <see cref="PartFrom"/> finds.</summary>
        void Collect(SharedMemoryCommunicator self, nuint step);
    }

    // The call in flight: how many bytes of a part travel in one step, and where the ranks show them.
    private nuint _capacity;
    private byte* _shown;
    private nint _shownStride;

    private bool _streams;

    private byte* Shown(int rank) => _shown + (rank * _shownStride);

    /// <summary>
    /// <paramref name="longest"/>: bytes of the longest part; <paramref name="parted"/>: a rank shows one part for each rank, else one in all. What fits is shown in the signals, where it is
    /// safe as long as the signal is (<see cref="Signal"/>). Otherwise in staging areas: one is written again two steps later, behind the phase of the next step, which
    /// every reader publishes after it has collected. Ranks stage step t+1 while others still collect step t. At least one phase, so that nobody leaves before all have come.
    /// </summary>
    /// <remarks>
    /// A rank whose input the peers map shows them its place instead (<see cref="ShowPlaces"/>), and they read there. If all do, that is one step for parts of any length; else the steps are those of the others.
    /// </remarks>
    private void RunSteps<TPlan>(TPlan plan, nuint longest, bool parted, bool first = true, bool inputStays = true)
        where TPlan : struct, IPlan
    {
        bool small = longest <= SegmentLayout.InlineBytes && (parted ? longest * Others : longest) <= SegmentLayout.InlineBytes;
        _capacity = small ? longest : parted ? Math.Min(PartCapacity, (longest + SegmentLayout.MinPartBytes - 1) / SegmentLayout.MinPartBytes * SegmentLayout.MinPartBytes) : (nuint)_layout.ChunkBytes;
        _streams = longest * (nuint)_members.Length >= StreamingCopy.WorthwhileBytes;
        nuint steps = longest == 0 ? 0 : Steps(longest, _capacity);
        bool direct = MayBeDirect(longest), stages = true;
        nuint staged = parted ? Others * _capacity : Math.Min(longest, _capacity);
        for (nuint step = 0; step < Math.Max(steps, 1); step++)
        {
            if (small)
                ShowInSignals();
            else
                ShowInStaging(staged);
            if (direct && step == 0)
                stages = ShowPlaces(plan.Input(this), inputStays, null);
            if (step < steps && stages)
                plan.Stage(this, step);
            if (step == 0 && first)
                PublishFirst();
            else
                Publish();
            if (step < steps && stages)
                plan.CopyOwn(this, step);
            else if (step == 0 && !stages)
                CopyOwnWhole(plan, longest);
            if (step == 0 && first)
                AwaitFirst();
            else
                Await();
            if (direct && step == 0)
            {
                TakePlaces();
                if (_allInputsPlaced)
                    (_capacity, steps) = (longest, 1);
            }

            if (step < steps)
                plan.Collect(this, step);
        }

        if (direct)
            LeavePlaces();
    }

    private void CopyOwnWhole<TPlan>(TPlan plan, nuint longest)
        where TPlan : struct, IPlan
    {
        nuint capacity = _capacity;
        _capacity = longest;
        plan.CopyOwn(this, 0);
        _capacity = capacity;
    }

    /// <summary>With the next phase.</summary>
    private void ShowInSignals()
    {
        _shown = Signal(0, _phase + 1) + SegmentLayout.PayloadInSignal;
        _shownStride = SegmentLayout.CellBytes;
    }

    private void ShowInStaging(nuint bytes)
    {
        int parity = NextStaging(bytes);
        _shown = Staging(0, parity);
        _shownStride = (nint)(Staging(1, parity) - _shown);
    }

    /// <summary>What one rank stages for each other one in a step: a multiple of 64 bytes, hence of every element.</summary>
    private nuint PartCapacity => (nuint)_layout.ChunkBytes / Others / SegmentLayout.MinPartBytes * SegmentLayout.MinPartBytes;

    private nuint Others => (nuint)_members.Length - 1;

    /// <summary>The part of what <paramref name="from"/> shows that is for <paramref name="to"/>, another rank: a rank shows none for itself.</summary>
    private byte* ShownPart(int from, int to) => Shown(from) + ((nuint)(to < from ? to : to - 1) * _capacity);

    /// <summary>What <paramref name="from"/>, another rank, has for this one in a step, in its staging area or its input. Where all ranks read the same <paramref name="parted"/> is false.</summary>
    private byte* PartFrom(int from, nuint step, bool parted) =>
        _inputs[from] != 0 ? (byte*)_inputs[from] + _starts[from] + (step * _capacity) : parted ? ShownPart(from, _rank) : Shown(from);

    private static nuint Steps(nuint bytes, nuint capacity) => (bytes + capacity - 1) / capacity;

    /// <summary>The piece of a buffer of <paramref name="bytes"/> that belongs to a step: none once the buffer is exhausted.</summary>
    private static nuint Piece(nuint bytes, nuint step, nuint capacity) => step * capacity >= bytes ? 0 : Math.Min(capacity, bytes - (step * capacity));

    /// <summary>To where the caller wants it: past the caches when there is more than they hold. Staging areas are read at once and stay in them.</summary>
    private void Deliver(byte* from, byte* to, nuint bytes)
    {
        if (_streams && from != to)
            StreamingCopy.Copy(from, to, bytes);
        else
            Copy(from, to, bytes);
    }

    /// <summary>
    /// The C library's copy. Streaming stores into staging areas were tried and dropped: where two cores share a level-3 cache they cost half as much again, where they don't they win a tenth.
    /// </summary>
    private static void Copy(byte* from, byte* to, nuint bytes)
    {
        if (from != to)
            Buffer.MemoryCopy(from, to, bytes, bytes);
    }

    public void AllGather(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(counts, _members.Length, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.AllGather, type, default, counts), options);
        try
        {
            nuint longest = SetLengths(counts, type);
            Array.Clear(_starts);
            RunSteps(new AllGatherPlan((byte*)input, (byte*)output), longest, parted: false);
        }
        finally
        {
            Leave();
        }
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Gather, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Fill(_lengths, bytes);
            Array.Clear(_starts);
            RunSteps(new GatherPlan((byte*)input, (byte*)output, root), bytes, parted: false);
        }
        finally
        {
            Leave();
        }
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Scatter, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Fill(_starts, (nuint)_rank * bytes);
            RunSteps(new ScatterPlan((byte*)input, (byte*)output, bytes, root), bytes, parted: true);
        }
        finally
        {
            Leave();
        }
    }

    public void AllToAll(nint input, nint output, nuint count, DataType type, HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.AllToAll, type, default, 0, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Fill(_lengths, bytes);
            Array.Fill(_sendLengths, bytes);
            Array.Fill(_starts, (nuint)_rank * bytes);
            RunSteps(new AllToAllPlan((byte*)input, (byte*)output), bytes, parted: true, inputStays: input != output);
        }
        finally
        {
            Leave();
        }
    }

    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(sendCounts, _members.Length, nameof(sendCounts));
        HostArguments.CheckCounts(receiveCounts, _members.Length, nameof(receiveCounts));
        Enter(new HostCall(CollectiveKind.AllToAllV, type, default, 0, 0), options);
        try
        {
            SetLengths(receiveCounts, type);
            for (int rank = 0; rank < _members.Length; rank++)
                _sendLengths[rank] = sendCounts[rank] * (nuint)type.SizeInBytes();

            // Everybody sees all counts: the longest pair makes the number of steps, and a pair that disagrees is found by both and by all others.
            int parity = NextStaging(2 * (nuint)_members.Length * (nuint)sizeof(nuint));
            _sendLengths.AsSpan().CopyTo(new Span<nuint>(Staging(_rank, parity), _members.Length));
            _lengths.AsSpan().CopyTo(new Span<nuint>(Staging(_rank, parity), 2 * _members.Length)[_members.Length..]);
            FirstPhase();
            nuint longest = 0;
            Array.Clear(_starts);
            for (int from = 0; from < _members.Length; from++)
            {
                for (int to = 0; to < _members.Length; to++)
                {
                    nuint sent = ((nuint*)Staging(from, parity))[to], expected = ((nuint*)Staging(to, parity))[_members.Length + from];
                    if (sent != expected)
                        ThrowMismatch($"{_members[from]} sends {sent} bytes to {_members[to]}, which expects {expected}");
                    longest = Math.Max(longest, sent);
                    if (to < _rank)
                        _starts[from] += sent;
                }
            }

            RunSteps(new AllToAllPlan((byte*)input, (byte*)output), longest, parted: true, first: false);
        }
        finally
        {
            Leave();
        }
    }

    public void ReduceScatter(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, ReduceOp op, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(counts, _members.Length, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.ReduceScatter, type, op, counts), options);
        try
        {
            nuint longest = SetLengths(counts, type);
            Array.Fill(_starts, Before(_lengths, _rank));
            RunSteps(new ReduceScatterPlan((byte*)input, (byte*)output, type, op), longest, parted: true);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Bytes of each rank's part, for the plans; returns the longest.</summary>
    private nuint SetLengths(ReadOnlySpan<nuint> counts, DataType type)
    {
        nuint longest = 0;
        for (int rank = 0; rank < counts.Length; rank++)
        {
            _lengths[rank] = counts[rank] * (nuint)type.SizeInBytes();
            longest = Math.Max(longest, _lengths[rank]);
        }

        return longest;
    }
}
