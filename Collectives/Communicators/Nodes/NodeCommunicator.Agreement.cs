using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class NodeCommunicator
{
    /// <summary>A block: the call's three words and the length of the input that follows.</summary>
    private const int BlockHeaderBytes = 32;

    private const int BlockAlignment = sizeof(long);

    private nuint BlockCapacity { get; }

    private bool IsShort(nuint bytes) => bytes <= (nuint)_inlineBytes;

    /// <summary>
    /// Every rank learns the call, and <paramref name="bytes"/> of input, of every rank. Round k: the first 2^k blocks (own, next rank's, ...) go 2^k ranks back, as many come
    /// from 2^k ranks ahead; a barrier at the same time. All ranks have all calls before any compares them, so a mismatch is found by all, with the same words.
    /// </summary>
    private void Agree(byte* input, nuint bytes)
    {
        HostCall call = _gate.Call;
        int ranks = _members.Length;
        long* own = (long*)_blocks;
        own[0] = call.Word;
        own[1] = call.Count;
        own[2] = call.Digest;
        own[3] = (long)bytes;
        Buffer.MemoryCopy(input, _blocks + BlockHeaderBytes, bytes, bytes);
        _blockStarts[1] = BlockHeaderBytes + Padded(bytes);
        int blocks = 1;
        for (int distance = 1; distance < ranks; distance *= 2)
        {
            int wanted = Math.Min(distance, ranks - blocks);
            int source = (_rank + distance) % ranks, destination = (_rank - distance + ranks) % ranks;
            _messenger.ExpectParts(source, _blocks + _blockStarts[blocks], (nuint)wanted * BlockCapacity);
            _messenger.PostPart(destination, _blocks, _blockStarts[wanted]);
            _messenger.WaitAll();
            nuint end = _blockStarts[blocks] + _messenger.ReceivedBytes(source);
            for (int i = 0; i < wanted; i++, blocks++)
            {
                nuint length = end - _blockStarts[blocks] < BlockHeaderBytes ? nuint.MaxValue : (nuint)((long*)(_blocks + _blockStarts[blocks]))[3];
                if (length > BlockCapacity - BlockHeaderBytes)
                    _messenger.Distrust(source, "its part of the agreement is not made of blocks");
                _blockStarts[blocks + 1] = _blockStarts[blocks] + BlockHeaderBytes + Padded(length);
            }

            if (_blockStarts[blocks] != end)
                _messenger.Distrust(source, "its part of the agreement has another length than its blocks");
        }

        for (int rank = 0; rank < ranks; rank++)
        {
            if (CallOf(rank) != call)
                ThrowMismatch(string.Join("; ", Enumerable.Range(0, ranks).GroupBy(CallOf, index => _members[index].Rank).Select(calls => $"{GroupMember.NameRanks(calls)} called {calls.Key}")));
        }
    }

    private static nuint Padded(nuint bytes) => (bytes + BlockAlignment - 1) / BlockAlignment * BlockAlignment;

    private byte* BlockOf(int rank) => _blocks + _blockStarts[(rank - _rank + _members.Length) % _members.Length];

    private byte* InputOf(int rank) => BlockOf(rank) + BlockHeaderBytes;

    private HostCall CallOf(int rank)
    {
        long* words = (long*)BlockOf(rank);
        return HostCall.FromWords(words[0], words[1], words[2]);
    }

    /// <summary>Only for what every rank finds at the same place: all of them throw with the same words.</summary>
    private void ThrowMismatch(string differences)
    {
        string text = $"the ranks made different calls: {differences}.";
        _board.Raise(AbortWord.Kind.Mismatch, _rank, _rank, text);
        throw new CallMismatchException($"Group {_board.Group}, call {_gate.Sequence}: {text}", _board.Group, _gate.Call.ToString(), _gate.Sequence);
    }

    private static nuint Sum(ReadOnlySpan<nuint> counts)
    {
        nuint sum = 0;
        foreach (nuint count in counts)
            sum += count;
        return sum;
    }

    private static nuint Longest(ReadOnlySpan<nuint> counts)
    {
        nuint longest = 0;
        foreach (nuint count in counts)
            longest = Math.Max(longest, count);
        return longest;
    }

    private static nuint Chunks(nuint bytes, nuint chunk) => (bytes + chunk - 1) / chunk;

    private static nuint SizeOf(DataType type) => (nuint)type.SizeInBytes();
}
