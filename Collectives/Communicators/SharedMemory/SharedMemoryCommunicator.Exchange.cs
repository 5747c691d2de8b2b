using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    /// <summary>
    /// One collective as a row of steps: each rank stages something, one phase, each rank collects what it needs from the staging areas of all. A struct, so
    /// that the loop is compiled for each plan and nothing is allocated.
    /// </summary>
    private interface IPlan
    {
        void Stage(SharedMemoryCommunicator self, nuint step, byte* staging);

        void Collect(SharedMemoryCommunicator self, nuint step, int parity);
    }

    /// <summary>
    /// A staging area is written again two steps later: behind the phase of the next step, which every reader publishes after it has collected. Ranks stage step
    /// t+1 while others still collect step t. At least one phase, so that nobody leaves before all have come.
    /// </summary>
    private void RunSteps<TPlan>(TPlan plan, nuint steps, bool first = true)
        where TPlan : struct, IPlan
    {
        for (nuint step = 0; step < Math.Max(steps, 1); step++)
        {
            int parity = NextStagingParity();
            if (step < steps)
                plan.Stage(this, step, Staging(_rank, parity));
            if (step == 0 && first)
                FirstPhase();
            else
                NextPhase();
            if (step < steps)
                plan.Collect(this, step, parity);
        }
    }

    /// <summary>What one rank stages for each other one in a step: a multiple of 64 bytes, hence of every element.</summary>
    private nuint PartCapacity => (nuint)(_layout.ChunkBytes / _members.Length / SegmentLayout.MinPartBytes * SegmentLayout.MinPartBytes);

    private static nuint Steps(nuint bytes, nuint capacity) => (bytes + capacity - 1) / capacity;

    /// <summary>The piece of a buffer of <paramref name="bytes"/> that belongs to a step: none once the buffer is exhausted.</summary>
    private static nuint Piece(nuint bytes, nuint step, nuint capacity) => step * capacity >= bytes ? 0 : Math.Min(capacity, bytes - (step * capacity));

    private static void Copy(byte* from, byte* to, nuint bytes)
    {
        if (from != to)
            Buffer.MemoryCopy(from, to, bytes, bytes);
    }

    public void AllGather(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, HostCallOptions options = default)
    {
        CheckCounts(counts, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.AllGather, type, default, counts), options);
        try
        {
            nuint longest = SetLengths(counts, type);
            RunSteps(new AllGatherPlan((byte*)input, (byte*)output), Steps(longest, (nuint)_layout.ChunkBytes));
        }
        finally
        {
            Leave();
        }
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        CheckRoot(root);
        Enter(new HostCall(CollectiveKind.Gather, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Fill(_lengths, bytes);
            RunSteps(new GatherPlan((byte*)input, (byte*)output, root), Steps(bytes, (nuint)_layout.ChunkBytes));
        }
        finally
        {
            Leave();
        }
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        CheckRoot(root);
        Enter(new HostCall(CollectiveKind.Scatter, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            RunSteps(new ScatterPlan((byte*)input, (byte*)output, bytes, root), Steps(bytes, PartCapacity));
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
            RunSteps(new AllToAllPlan((byte*)input, (byte*)output), Steps(bytes, PartCapacity));
        }
        finally
        {
            Leave();
        }
    }

    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, HostCallOptions options = default)
    {
        CheckCounts(sendCounts, nameof(sendCounts));
        CheckCounts(receiveCounts, nameof(receiveCounts));
        Enter(new HostCall(CollectiveKind.AllToAllV, type, default, 0, 0), options);
        try
        {
            SetLengths(receiveCounts, type);
            for (int rank = 0; rank < _members.Length; rank++)
                _sendLengths[rank] = sendCounts[rank] * (nuint)type.SizeInBytes();

            // Everybody sees all counts: the longest pair makes the number of steps, and a pair that disagrees is found by both and by all others.
            int parity = NextStagingParity();
            _sendLengths.AsSpan().CopyTo(new Span<nuint>(Staging(_rank, parity), _members.Length));
            _lengths.AsSpan().CopyTo(new Span<nuint>(Staging(_rank, parity), 2 * _members.Length)[_members.Length..]);
            FirstPhase();
            nuint longest = 0;
            for (int from = 0; from < _members.Length; from++)
            {
                for (int to = 0; to < _members.Length; to++)
                {
                    nuint sent = ((nuint*)Staging(from, parity))[to], expected = ((nuint*)Staging(to, parity))[_members.Length + from];
                    if (sent != expected)
                        ThrowMismatch($"{_members[from]} sends {sent} bytes to {_members[to]}, which expects {expected}");
                    longest = Math.Max(longest, sent);
                }
            }

            RunSteps(new AllToAllPlan((byte*)input, (byte*)output), Steps(longest, PartCapacity), first: false);
        }
        finally
        {
            Leave();
        }
    }

    public void ReduceScatter(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, ReduceOp op, HostCallOptions options = default)
    {
        CheckCounts(counts, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.ReduceScatter, type, op, counts), options);
        try
        {
            nuint longest = SetLengths(counts, type);
            RunSteps(new ReduceScatterPlan((byte*)input, (byte*)output, type, op), Steps(longest, PartCapacity));
        }
        finally
        {
            Leave();
        }
    }

    private void CheckRoot(int root)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, _members.Length);
    }

    private void CheckCounts(ReadOnlySpan<nuint> counts, string name)
    {
        if (counts.Length != _members.Length)
            throw new ArgumentException($"{counts.Length} counts for {_members.Length} ranks.", name);
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

    private readonly struct AllGatherPlan(byte* input, byte* output) : IPlan
    {
        public void Stage(SharedMemoryCommunicator self, nuint step, byte* staging)
        {
            nuint capacity = (nuint)self._layout.ChunkBytes;
            Copy(input + (step * capacity), staging, Piece(self._lengths[self._rank], step, capacity));
        }

        public void Collect(SharedMemoryCommunicator self, nuint step, int parity)
        {
            nuint capacity = (nuint)self._layout.ChunkBytes;
            byte* to = output + (step * capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                Copy(rank == self._rank ? input + (step * capacity) : self.Staging(rank, parity), to, Piece(self._lengths[rank], step, capacity));
                to += self._lengths[rank];
            }
        }
    }

    private readonly struct GatherPlan(byte* input, byte* output, int root) : IPlan
    {
        public void Stage(SharedMemoryCommunicator self, nuint step, byte* staging)
        {
            if (self._rank != root)
                new AllGatherPlan(input, output).Stage(self, step, staging);
        }

        public void Collect(SharedMemoryCommunicator self, nuint step, int parity)
        {
            if (self._rank == root)
                new AllGatherPlan(input, output).Collect(self, step, parity);
        }
    }

    private readonly struct ScatterPlan(byte* input, byte* output, nuint bytes, int root) : IPlan
    {
        public void Stage(SharedMemoryCommunicator self, nuint step, byte* staging)
        {
            if (self._rank != root)
                return;
            nuint capacity = self.PartCapacity, piece = Piece(bytes, step, capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
                Copy(input + ((nuint)rank * bytes) + (step * capacity), staging + ((nuint)rank * capacity), piece);
        }

        public void Collect(SharedMemoryCommunicator self, nuint step, int parity)
        {
            nuint capacity = self.PartCapacity;
            Copy(self.Staging(root, parity) + ((nuint)self._rank * capacity), output + (step * capacity), Piece(bytes, step, capacity));
        }
    }

    /// <summary>In place works when all parts have one length: a step writes exactly the pieces that it has staged before.</summary>
    private readonly struct AllToAllPlan(byte* input, byte* output) : IPlan
    {
        public void Stage(SharedMemoryCommunicator self, nuint step, byte* staging)
        {
            nuint capacity = self.PartCapacity;
            byte* from = input + (step * capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                Copy(from, staging + ((nuint)rank * capacity), Piece(self._sendLengths[rank], step, capacity));
                from += self._sendLengths[rank];
            }
        }

        public void Collect(SharedMemoryCommunicator self, nuint step, int parity)
        {
            nuint capacity = self.PartCapacity;
            byte* to = output + (step * capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                Copy(self.Staging(rank, parity) + ((nuint)self._rank * capacity), to, Piece(self._lengths[rank], step, capacity));
                to += self._lengths[rank];
            }
        }
    }

    /// <summary>The own input is read where it lies; in place, each element of it before the result takes its place.</summary>
    private readonly struct ReduceScatterPlan(byte* input, byte* output, DataType type, ReduceOp op) : IPlan
    {
        public void Stage(SharedMemoryCommunicator self, nuint step, byte* staging)
        {
            nuint capacity = self.PartCapacity;
            byte* from = input + (step * capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank != self._rank)
                    Copy(from, staging + ((nuint)rank * capacity), Piece(self._lengths[rank], step, capacity));
                from += self._lengths[rank];
            }
        }

        public void Collect(SharedMemoryCommunicator self, nuint step, int parity)
        {
            nuint capacity = self.PartCapacity, piece = Piece(self._lengths[self._rank], step, capacity);
            if (piece == 0)
                return;
            byte* own = input;
            for (int rank = 0; rank < self._rank; rank++)
                own += self._lengths[rank];
            for (int rank = 0; rank < self._members.Length; rank++)
                self._sources[rank] = (nint)(rank == self._rank ? own + (step * capacity) : self.Staging(rank, parity) + ((nuint)self._rank * capacity));
            self._reduction.Reduce(type, op, self._sources, (nint)(output + (step * capacity)), piece / (nuint)type.SizeInBytes());
        }
    }
}
