using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    private const int ToAll = -1;

    public void AllReduce(nint input, nint output, nuint count, DataType type, ReduceOp op, HostCallOptions options = default) =>
        ReduceTo((byte*)input, (byte*)output, count, new HostCall(CollectiveKind.AllReduce, type, op, 0, (long)count), ToAll, options);

    public void Reduce(nint input, nint output, nuint count, DataType type, ReduceOp op, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        ReduceTo((byte*)input, _rank == root ? (byte*)output : null, count, new HostCall(CollectiveKind.Reduce, type, op, root, (long)count), root, options);
    }

    private void ReduceTo(byte* input, byte* output, nuint count, HostCall call, int root, HostCallOptions options)
    {
        Enter(call, options);
        try
        {
            nuint bytes = count * (nuint)call.Type.SizeInBytes();
            if (bytes <= Hello.PayloadBytes)
                Run(new ReduceWholePlan(input, output, bytes, call, root), bytes);
            else
            {
                FirstPhase();
                RunSteps(new ReduceByOwnersPlan(input, output, bytes, call, root), ChunksOf(bytes) + ReduceByOwnersPlan.Lag);
            }
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
            Run(new ReduceScatterPlan((byte*)input, (byte*)output, type, op), longest);
        }
        finally
        {
            Leave();
        }
    }

    private nuint ChunksOf(nuint bytes)
    {
        nuint chunk = (nuint)_members.Length * _steps.PartBytes;
        return (bytes + chunk - 1) / chunk;
    }

    /// <summary>The part of a chunk that a rank owns. Bytes, from the beginning of the buffer; empty for chunks that there are not.</summary>
    private (nuint Start, nuint Length) OwnedPart(nuint chunk, nuint bytes, int rank)
    {
        nuint ranks = (nuint)_members.Length, first = chunk * ranks * _steps.PartBytes;
        if (first >= bytes)
            return (0, 0);
        nuint length = Math.Min(ranks * _steps.PartBytes, bytes - first);

        // The last chunk is shared out as evenly as cache lines allow.
        nuint share = (((length + ranks - 1) / ranks) + 63) / 64 * 64;
        nuint start = Math.Min((nuint)rank * share, length), end = Math.Min(((nuint)rank + 1) * share, length);
        return (first + start, end - start);
    }

    private void Fold(DataType type, ReduceOp op, byte* own, byte* target, nuint bytes)
    {
        if (bytes == 0)
            return;
        for (int rank = 0; rank < _members.Length; rank++)
            _sources[rank] = (nint)(rank == _rank ? own : Received(rank));
        _reduction.Reduce(type, op, _sources, (nint)target, bytes / (nuint)type.SizeInBytes());
    }

    /// <summary>Every receiver gets every input and reduces all of them.</summary>
    private readonly struct ReduceWholePlan(byte* input, byte* output, nuint bytes, HostCall call, int root) : IPlan
    {
        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => root == ToAll || peer == root ? bytes : 0;

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => root == ToAll || self._rank == root ? bytes : 0;

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) => Copy(input, to, bytes);

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            if (output is not null)
                self.Fold(call.Type, call.Op, input, output, bytes);
        }
    }

    /// <summary>
    /// Each rank owns a part of each chunk: it gets the others' inputs of it, folds, and sends the result. A step's message holds the receiver's part of chunk t and behind it
    /// the sender's result of chunk t-2, which was folded when step t-2 was collected. In place is safe: a chunk's inputs were staged in its step, its results are written in later ones;
    /// and a result is read from the output, where nobody writes again.
    /// </summary>
    private readonly struct ReduceByOwnersPlan(byte* input, byte* output, nuint bytes, HostCall call, int root) : IPlan
    {
        internal const int Lag = 2;

        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) =>
            self.OwnedPart(step, bytes, peer).Length + ResultBytes(self, step, self._rank, peer);

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) =>
            self.OwnedPart(step, bytes, self._rank).Length + ResultBytes(self, step, peer, self._rank);

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to)
        {
            (nuint start, nuint length) = self.OwnedPart(step, bytes, peer);
            Copy(input + start, to, length);
            if (ResultBytes(self, step, self._rank, peer) is > 0 and var result)
                Copy(Result(self, step - Lag), to + length, result);
        }

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            (nuint start, nuint length) = self.OwnedPart(step, bytes, self._rank);
            if (length > 0)
                self.Fold(call.Type, call.Op, input + start, Result(self, step), length);
            for (int rank = 0; output is not null && step >= Lag && rank < self._members.Length; rank++)
            {
                (nuint to, nuint result) = self.OwnedPart(step - Lag, bytes, rank);
                if (rank != self._rank)
                    Copy(self.Received(rank) + length, output + to, result);
            }
        }

        /// <summary>One buffer is enough for who has no output: step t+2 stages the result of chunk t before step t+1 is collected.</summary>
        private byte* Result(MpiHostCommunicator self, nuint chunk) => output is null ? self._steps.Result : output + self.OwnedPart(chunk, bytes, self._rank).Start;

        private nuint ResultBytes(MpiHostCommunicator self, nuint step, int owner, int receiver) =>
            step >= Lag && (root == ToAll || receiver == root) ? self.OwnedPart(step - Lag, bytes, owner).Length : 0;
    }

    /// <summary>The own input is read where it lies; in place, each element of it before the result takes its place.</summary>
    private readonly struct ReduceScatterPlan(byte* input, byte* output, DataType type, ReduceOp op) : IPlan
    {
        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => self.Piece(self._lengths[peer], step);

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => self.Piece(self._lengths[self._rank], step);

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) => Copy(input + StartOf(self._lengths, peer) + (step * self._unit), to, SendBytes(self, step, peer));

        public void Collect(MpiHostCommunicator self, nuint step) =>
            self.Fold(type, op, input + StartOf(self._lengths, self._rank) + (step * self._unit), output + (step * self._unit), self.Piece(self._lengths[self._rank], step));
    }
}
