using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The collectives that only copy.</summary>
internal sealed unsafe partial class NodeCommunicator
{
    /// <summary>Long ones pass along a chain in ring order from the root, chunk by chunk.</summary>
    public void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Broadcast, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * SizeOf(type);
            bool isShort = IsShort(bytes);
            Agree((byte*)buffer, isShort && _rank == root ? bytes : 0);
            if (!isShort)
                BroadcastLong((byte*)buffer, bytes, root);
            else if (_rank != root)
                Copy(InputOf(root), (byte*)buffer, bytes);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    /// <summary>Long ones go round the ring: in each step a rank hands on the block that it got in the step before.</summary>
    public void AllGather(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(counts, _members.Length, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.AllGather, type, default, counts), options);
        try
        {
            nuint size = SizeOf(type);
            bool isShort = IsShort(Longest(counts) * size);
            Agree((byte*)input, isShort ? counts[_rank] * size : 0);
            byte* own = (byte*)output + (Sum(counts[.._rank]) * size);
            if (!isShort)
            {
                Copy((byte*)input, own, counts[_rank] * size);
                AllGatherLong((byte*)output, counts, size);
                return;
            }

            byte* to = (byte*)output;
            for (int rank = 0; rank < _members.Length; to += counts[rank++] * size)
                Copy(InputOf(rank), to, counts[rank] * size);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Gather, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * SizeOf(type);
            bool isShort = IsShort(bytes);
            Agree((byte*)input, isShort ? bytes : 0);
            for (int rank = 0; _rank == root && rank < _members.Length; rank++)
            {
                byte* to = (byte*)output + ((nuint)rank * bytes);
                if (rank == root)
                    Copy((byte*)input, to, bytes);
                else if (isShort)
                    Copy(InputOf(rank), to, bytes);
                else
                    _messenger.ExpectParts(rank, to, bytes);
            }

            if (_rank != root && !isShort)
                _messenger.PostPart(root, (byte*)input, bytes);
            _messenger.WaitAll();
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Scatter, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * SizeOf(type);
            bool isShort = IsShort(bytes * (nuint)_members.Length);
            Agree((byte*)input, isShort && _rank == root ? bytes * (nuint)_members.Length : 0);
            if (_rank != root && isShort)
                Copy(InputOf(root) + ((nuint)_rank * bytes), (byte*)output, bytes);
            else if (_rank != root)
                _messenger.ExpectParts(root, (byte*)output, bytes);
            else
                ScatterFromRoot((byte*)input, (byte*)output, bytes, isShort);
            _messenger.WaitAll();
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    public void AllToAll(nint input, nint output, nuint count, DataType type, HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.AllToAll, type, default, 0, (long)count), options);
        try
        {
            nuint bytes = count * SizeOf(type), whole = bytes * (nuint)_members.Length;
            bool isShort = IsShort(whole);
            Agree((byte*)input, isShort ? whole : 0);
            if (!isShort)
            {
                AllToAllLong((byte*)input, (byte*)output, bytes);
                return;
            }

            for (int rank = 0; rank < _members.Length; rank++)
                Copy(InputOf(rank) + ((nuint)_rank * bytes), (byte*)output + ((nuint)rank * bytes), bytes);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    /// <summary>The agreement carries everybody's counts, so that a pair that disagrees is found by both and by all others.</summary>
    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(sendCounts, _members.Length, nameof(sendCounts));
        HostArguments.CheckCounts(receiveCounts, _members.Length, nameof(receiveCounts));
        Enter(new HostCall(CollectiveKind.AllToAllV, type, default, 0, 0), options);
        try
        {
            int ranks = _members.Length;
            nuint size = SizeOf(type);
            nuint* counts = (nuint*)Spare((nuint)(2 * ranks * sizeof(nuint)));
            sendCounts.CopyTo(new Span<nuint>(counts, ranks));
            receiveCounts.CopyTo(new Span<nuint>(counts + ranks, ranks));
            Agree((byte*)counts, (nuint)(2 * ranks * sizeof(nuint)));
            for (int from = 0; from < ranks; from++)
            {
                for (int to = 0; to < ranks; to++)
                {
                    nuint sent = ((nuint*)InputOf(from))[to], expected = ((nuint*)InputOf(to))[ranks + from];
                    if (sent != expected)
                        ThrowMismatch($"{_members[from]} sends {sent * size} bytes to {_members[to]}, which expects {expected * size}");
                }
            }

            byte* target = (byte*)output, source = (byte*)input;
            for (int rank = 0; rank < ranks; target += receiveCounts[rank++] * size)
            {
                if (rank != _rank)
                    _messenger.ExpectParts(rank, target, receiveCounts[rank] * size);
                else
                    Copy((byte*)input + (Sum(sendCounts[.._rank]) * size), target, receiveCounts[rank] * size);
            }

            for (int rank = 0; rank < ranks; source += sendCounts[rank++] * size)
            {
                if (rank != _rank)
                    _messenger.PostPart(rank, source, sendCounts[rank] * size);
            }

            _messenger.WaitAll();
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    private void BroadcastLong(byte* buffer, nuint bytes, int root)
    {
        bool sends = Next != root;
        nuint chunks = Chunks(bytes, ChunkBytes);
        if (_rank != root)
            _messenger.ExpectParts(Previous, buffer, bytes, chunks);
        for (nuint c = 0; c < chunks; c++)
        {
            if (_rank != root)
                _messenger.WaitReceived(Previous, c + 1);
            if (!sends)
                continue;
            _messenger.WaitSent(Next);
            _messenger.PostPart(Next, buffer + (c * ChunkBytes), Math.Min(ChunkBytes, bytes - (c * ChunkBytes)));
        }

        _messenger.WaitAll();
    }

    private void AllGatherLong(byte* output, ReadOnlySpan<nuint> counts, nuint size)
    {
        for (int step = 0; step < _members.Length - 1; step++)
        {
            int outgoing = (_rank - step + _members.Length) % _members.Length, incoming = (_rank - step - 1 + _members.Length) % _members.Length;
            _messenger.ExpectParts(Previous, output + (Sum(counts[..incoming]) * size), counts[incoming] * size);
            _messenger.PostPart(Next, output + (Sum(counts[..outgoing]) * size), counts[outgoing] * size);
            _messenger.WaitAll();
        }
    }

    private void ScatterFromRoot(byte* input, byte* output, nuint bytes, bool isShort)
    {
        for (int rank = 0; rank < _members.Length; rank++)
        {
            if (rank == _rank)
                Copy(input + ((nuint)rank * bytes), output, bytes);
            else if (!isShort)
                _messenger.PostPart(rank, input + ((nuint)rank * bytes), bytes);
        }
    }

    /// <summary>All pairs at once; in place the own blocks are put aside first.</summary>
    private void AllToAllLong(byte* input, byte* output, nuint bytes)
    {
        if (input == output)
        {
            nuint whole = bytes * (nuint)_members.Length;
            byte* aside = Spare(whole);
            Copy(input, aside, whole);
            input = aside;
        }

        for (int rank = 0; rank < _members.Length; rank++)
        {
            if (rank != _rank)
                _messenger.ExpectParts(rank, output + ((nuint)rank * bytes), bytes);
            else
                Copy(input + ((nuint)rank * bytes), output + ((nuint)rank * bytes), bytes);
        }

        for (int rank = 0; rank < _members.Length; rank++)
        {
            if (rank != _rank)
                _messenger.PostPart(rank, input + ((nuint)rank * bytes), bytes);
        }

        _messenger.WaitAll();
    }
}
