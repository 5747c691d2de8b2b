using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Long reductions are a chain in rank order: rank r folds its input onto what rank r-1 has folded and hands it on, chunk by chunk, in the accumulator's type, so that the
/// bits are those of ((x0 op x1) op x2) ... with one rounding at the end. Of a node boundary each chunk crosses once on the way there, and results once on the way back:
/// both directions of a link are full, as with a ring.
/// </summary>
internal sealed unsafe partial class NodeCommunicator
{
    private bool IsLast => _rank == _members.Length - 1;

    private int Last => _members.Length - 1;

    public void AllReduce(nint input, nint output, nuint count, DataType type, ReduceOp op, HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.AllReduce, type, op, 0, (long)count), options);
        try
        {
            nuint bytes = count * SizeOf(type);
            bool isShort = IsShort(bytes);
            Agree((byte*)input, isShort ? bytes : 0);
            if (isShort)
                ReduceShort(type, op, 0, (byte*)output, count);
            else
                AllReduceLong((byte*)input, (byte*)output, count, type, op);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    public void Reduce(nint input, nint output, nuint count, DataType type, ReduceOp op, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Reduce, type, op, root, (long)count), options);
        try
        {
            nuint bytes = count * SizeOf(type);
            bool isShort = IsShort(bytes);
            Agree((byte*)input, isShort ? bytes : 0);
            if (!isShort)
                ReduceLong((byte*)input, (byte*)output, count, type, op, root);
            else if (_rank == root)
                ReduceShort(type, op, 0, (byte*)output, count);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    public void ReduceScatter(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, ReduceOp op, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(counts, _members.Length, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.ReduceScatter, type, op, counts), options);
        try
        {
            nuint bytes = Sum(counts) * SizeOf(type);
            bool isShort = IsShort(bytes);
            Agree((byte*)input, isShort ? bytes : 0);
            if (isShort)
                ReduceShort(type, op, Sum(counts[.._rank]) * SizeOf(type), (byte*)output, counts[_rank]);
            else
                ReduceScatterLong((byte*)input, (byte*)output, counts, type, op);
        }
        finally
        {
            _messenger.EndCall();
        }
    }

    private void ReduceShort(DataType type, ReduceOp op, nuint start, byte* output, nuint count)
    {
        for (int rank = 0; rank < _members.Length; rank++)
            _sources[rank] = (nint)(InputOf(rank) + start);
        _reduction.Reduce(type, op, _sources, (nint)output, count);
    }

    /// <summary>
    /// Results come back along the chain. The whole output is expected from the start, and a rank passes on result c-d while it folds chunk c, d being how long that result is
    /// under way: the chain stays full, and nobody who sends a result ever waits for more than the channel. In place a result takes the place of an input that has been folded.
    /// </summary>
    private void AllReduceLong(byte* input, byte* output, nuint count, DataType type, ReduceOp op)
    {
        Chain chain = new(this, type, op);
        nuint chunk = chain.Chunk, chunks = Chunks(count, chunk), size = SizeOf(type);
        nuint lag = 2 * (nuint)(Last - _rank);
        if (!IsLast)
            _messenger.ExpectParts(Next, output, count * size, chunks);
        chain.Begin();
        for (nuint c = 0; c < chunks + lag; c++)
        {
            if (c < chunks)
                chain.Fold(input + (c * chunk * size), Math.Min(chunk, count - (c * chunk)), output + (c * chunk * size), c + 1 == chunks);
            if (c < lag)
                continue;
            nuint back = c - lag;
            if (!IsLast)
                _messenger.WaitReceived(Next, back + 1);
            if (_rank > 0)
            {
                _messenger.WaitSent(Previous);
                _messenger.PostPart(Previous, output + (back * chunk * size), Math.Min(chunk, count - (back * chunk)) * size);
            }
        }

        _messenger.WaitAll();
    }

    /// <summary>The last rank of the chain has the results and hands them to the root.</summary>
    private void ReduceLong(byte* input, byte* output, nuint count, DataType type, ReduceOp op, int root)
    {
        Chain chain = new(this, type, op);
        nuint chunk = chain.Chunk, chunks = Chunks(count, chunk), size = SizeOf(type);
        if (_rank == root && !IsLast)
            _messenger.ExpectParts(Last, output, count * size, chunks);
        chain.Begin();
        for (nuint c = 0; c < chunks; c++)
            chain.FoldFor(root, input + (c * chunk * size), Math.Min(chunk, count - (c * chunk)), output + (c * chunk * size), c, c + 1 == chunks);
        _messenger.WaitAll();
    }

    private void ReduceScatterLong(byte* input, byte* output, ReadOnlySpan<nuint> counts, DataType type, ReduceOp op)
    {
        Chain chain = new(this, type, op);
        nuint chunk = chain.Chunk, size = SizeOf(type), all = 0, done = 0;
        foreach (nuint part in counts)
            all += Chunks(part, chunk);
        if (!IsLast)
            _messenger.ExpectParts(Last, output, counts[_rank] * size, Chunks(counts[_rank], chunk));
        if (all > 0)
            chain.Begin();
        byte* from = input;
        for (int owner = 0; owner < _members.Length; owner++)
        {
            for (nuint c = 0; c < Chunks(counts[owner], chunk); c++)
            {
                nuint length = Math.Min(chunk, counts[owner] - (c * chunk));
                chain.FoldFor(owner, from, length, output + (c * chunk * size), done, ++done == all);
                from += length * size;
            }
        }

        _messenger.WaitAll();
    }

    /// <summary>
    /// This rank's place in the chain: two buffers to receive into and two to send from, used in turn. A buffer to send from is filled again behind the <see cref="Messenger.WaitSent"/>
    /// of the chunk after it, one to receive into is expected again when its content has been folded.
    /// </summary>
    private struct Chain(NodeCommunicator self, DataType type, ReduceOp op)
    {
        private readonly nuint _accumulatorBytes = (nuint)HostReduction.AccumulatorBytes(type);
        private int _turn;

        /// <summary>Elements of a chunk.</summary>
        internal readonly nuint Chunk => ChunkBytes / _accumulatorBytes;

        internal readonly void Begin()
        {
            if (self._rank > 0)
                self._messenger.ExpectParts(self.Previous, self._work, ChunkBytes);
        }

        /// <summary>Folds one chunk and hands it on; the last rank writes the result to <paramref name="result"/>.</summary>
        internal void Fold(byte* input, nuint count, byte* result, bool isEnd)
        {
            byte* folded = self._work + ((2 + _turn) * ChunkBytes);
            byte* before = self._work + (_turn * ChunkBytes);
            _turn ^= 1;
            if (self._rank == 0 && _accumulatorBytes == SizeOf(type))
            {
                // Sent from where it lies: its result comes back, into the same place perhaps, only after it has gone.
                folded = input;
            }
            else if (self._rank == 0)
            {
                HostReduction.Begin(type, (nint)input, (nint)folded, count);
            }
            else
            {
                self._messenger.WaitReceived(self.Previous);
                if (!isEnd)
                    self._messenger.ExpectParts(self.Previous, self._work + (_turn * ChunkBytes), ChunkBytes);
                if (self.IsLast)
                {
                    self._reduction.Finish(type, op, (nint)before, (nint)input, (nint)result, count, self._members.Length);
                    return;
                }

                self._reduction.Fold(type, op, (nint)before, (nint)input, (nint)folded, count);
            }

            self._messenger.WaitSent(self.Next);
            self._messenger.PostPart(self.Next, folded, count * _accumulatorBytes);
        }

        /// <summary>As <see cref="Fold"/>; the last rank sends the result to its owner.</summary>
        internal void FoldFor(int owner, byte* input, nuint count, byte* output, nuint index, bool isEnd)
        {
            if (!self.IsLast || owner == self._rank)
            {
                Fold(input, count, output, isEnd);
                return;
            }

            // Written again two results later: behind the wait for the one in between, if that went to the same owner, and otherwise behind this wait.
            byte* result = self._work + ((2 + (int)(index & 1)) * ChunkBytes);
            if (index >= 2)
                self._messenger.WaitAllSent();
            Fold(input, count, result, isEnd);
            self._messenger.WaitSent(owner);
            self._messenger.PostPart(owner, result, count * SizeOf(type));
        }
    }
}
