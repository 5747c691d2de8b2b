using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    public void AllReduce(nint input, nint output, nuint count, DataType type, ReduceOp op, HostCallOptions options = default) =>
        ReduceTo((byte*)output, input, count, new HostCall(CollectiveKind.AllReduce, type, op, 0, (long)count), options);

    public void Reduce(nint input, nint output, nuint count, DataType type, ReduceOp op, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        ReduceTo(_rank == root ? (byte*)output : null, input, count, new HostCall(CollectiveKind.Reduce, type, op, root, (long)count), options);
    }

    /// <summary>Reduces for every rank that passes an <paramref name="output"/>; the others do their share of the work.</summary>
    private void ReduceTo(byte* output, nint input, nuint count, HostCall call, HostCallOptions options)
    {
        Enter(call, options);
        try
        {
            int size = call.Type.SizeInBytes();
            if (count * (nuint)size <= Math.Min(OneShotBytes, (nuint)_layout.ChunkBytes))
                ReduceOneShot((byte*)input, output, count, call.Type, call.Op, size);
            else
                ReduceByOwners((byte*)input, output, count, call.Type, call.Op, size);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>
    /// Every rank shows its input and reduces all of them. One phase. The staging area of this parity is written again two stagings from now; before that
    /// lies a phase that a peer publishes only after it has finished reading here. For small inputs the signal takes its place (<see cref="Signal"/>).
    /// </summary>
    private void ReduceOneShot(byte* input, byte* output, nuint count, DataType type, ReduceOp op, int size)
    {
        nuint bytes = count * (nuint)size;
        if (bytes <= SegmentLayout.InlineBytes)
            ShowInSignals();
        else
            ShowInStaging(bytes);
        Copy(input, Shown(_rank), bytes);
        FirstPhase();
        if (output is null)
            return;
        for (int rank = 0; rank < _members.Length; rank++)
            _sources[rank] = (nint)(rank == _rank ? input : Shown(rank));
        _reduction.Reduce(type, op, _sources, (nint)output, count);
    }

    /// <summary>
    /// Chunk by chunk: each rank owns a part of a chunk, the others stage their share of it, the owner reduces it and shows the result. The three steps of
    /// neighbouring chunks overlap, so that a chunk costs one phase:
    /// <code>
    /// step t: collect the others' results of chunk t-2 | reduce own part of chunk t-1 | stage the others' parts of chunk t | phase
    /// </code>
    /// Staging of chunk t is read in step t+1 and written again in step t+2, behind the phase that ends t+1. Results of chunk t are written in step t+1, read
    /// in step t+2 and written again in step t+3, behind the phase that ends t+2. The last collecting step has no phase behind it: the next call's first
    /// phase comes before any result is written.
    /// A rank whose input all map stages nothing and is read where the input lies; one whose output all map shows no result, and is collected from there. In place this goes well: a part of an input
    /// is read by its owner in step t+1 and overwritten with the result, by the rank whose input it is, in step t+2.
    /// </summary>
    private void ReduceByOwners(byte* input, byte* output, nuint count, DataType type, ReduceOp op, int size)
    {
        nuint chunk = (nuint)(_layout.ChunkBytes / size);
        nuint chunks = (count + chunk - 1) / chunk;
        int parity = 0;
        bool direct = MayBeDirect(count * (nuint)size), stages = !direct || ShowPlaces(input, true, output);
        for (nuint step = 0; step < chunks + 2; step++)
        {
            if (step >= 2 && output is not null)
                CollectResults(output, step - 2, count, chunk, size);
            if (step >= 1 && step <= chunks)
                ReduceOwnPart(input, output, step - 1, count, chunk, type, op, size, parity);
            if (step < chunks)
            {
                nuint bytes = Math.Min(count - (step * chunk), chunk) * (nuint)size;
                parity = NextStaging(bytes);
                ref Turn result = ref _results[step & 1];
                result = result.Next((long)bytes, _layout.ChunkBytes);
                if (stages)
                    StageForOwners(input, step, count, chunk, size, parity);
            }

            if (step == 0)
            {
                FirstPhase();
                if (direct)
                    TakePlaces();
            }
            else if (step <= chunks)
                NextPhase();
        }

        if (direct)
            LeavePlaces();
    }

    private void StageForOwners(byte* input, nuint index, nuint count, nuint chunk, int size, int parity)
    {
        Part own = Part.Of(index, count, chunk, size, _rank, _members.Length);
        byte* from = input + own.ChunkStart;
        byte* to = Staging(_rank, parity);
        Copy(from, to, own.Start);
        Copy(from + own.End, to + own.End, own.ChunkBytes - own.End);
    }

    /// <summary>
    /// The own input is read from where it lies. In place that is where the result goes as well: <see cref="HostReduction"/> reads each element of every source
    /// before it writes the element of the result.
    /// </summary>
    private void ReduceOwnPart(byte* input, byte* output, nuint index, nuint count, nuint chunk, DataType type, ReduceOp op, int size, int parity)
    {
        Part own = Part.Of(index, count, chunk, size, _rank, _members.Length);
        if (own.End == own.Start)
            return;
        for (int rank = 0; rank < _members.Length; rank++)
            _sources[rank] = (nint)(rank == _rank ? input + own.ChunkStart + own.Start : _inputs[rank] != 0 ? (byte*)_inputs[rank] + own.ChunkStart + own.Start : Staging(rank, parity) + own.Start);
        byte* shown = Result((int)(index & 1)) + own.Start;
        byte* target = output is null ? shown : output + own.ChunkStart + own.Start;
        _reduction.Reduce(type, op, _sources, (nint)target, (own.End - own.Start) / (nuint)size);
        if (_outputs[_rank] == 0)
            Copy(target, shown, own.End - own.Start);
    }

    private void CollectResults(byte* output, nuint index, nuint count, nuint chunk, int size)
    {
        for (int owner = 0; owner < _members.Length; owner++)
        {
            if (owner == _rank)
                continue;
            Part part = Part.Of(index, count, chunk, size, owner, _members.Length);
            byte* from = _outputs[owner] != 0 ? (byte*)_outputs[owner] + part.ChunkStart : Result((int)(index & 1));
            Copy(from + part.Start, output + part.ChunkStart + part.Start, part.End - part.Start);
        }
    }

    private int NextStaging(nuint bytes)
    {
        int parity = _stagingParity ^= 1;
        _stagings[parity] = _stagings[parity].Next((long)bytes, _layout.ChunkBytes);
        return parity;
    }

    /// <summary>
    /// What a short message takes of a chunk: the next piece each time, all around. What the readers read a moment ago lies in their own caches, and each line of it would have to be taken from them before it can be written again;
    /// a piece of a chunk ago has left these caches for the shared one (two ranks, all-gather of 128 KiB: 6.5 µs in place of 13).
    /// </summary>
    private readonly record struct Turn(long Start, long End)
    {
        /// <summary>Less than that is written again in the writer's own cache just as fast.</summary>
        private const int ShortestBytes = 8 << 10;

        internal Turn Next(long bytes, long chunkBytes)
        {
            if (bytes < ShortestBytes)
                return this with { Start = 0 };
            long start = End + bytes > chunkBytes ? 0 : End;
            return new(start, start + SegmentLayout.RoundUp(bytes));
        }
    }

    /// <summary>One rank's part of one chunk. Bytes; Start and End count from the chunk's beginning.</summary>
    private readonly record struct Part(nuint ChunkStart, nuint ChunkBytes, nuint Start, nuint End)
    {
        internal static Part Of(nuint index, nuint count, nuint chunk, int size, int rank, int ranks)
        {
            nuint first = index * chunk;
            nuint bytes = Math.Min(chunk, count - first) * (nuint)size;
            nuint share = (((bytes + (nuint)ranks - 1) / (nuint)ranks) + SegmentLayout.MinPartBytes - 1) / SegmentLayout.MinPartBytes * SegmentLayout.MinPartBytes;
            return new Part(first * (nuint)size, bytes, Math.Min((nuint)rank * share, bytes), Math.Min(((nuint)rank + 1) * share, bytes));
        }
    }
}
