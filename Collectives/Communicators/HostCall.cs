using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>One call as the ranks compare it: three words. <paramref name="Digest"/> stands for counts that differ by rank.</summary>
internal readonly record struct HostCall(CollectiveKind Kind, DataType Type, ReduceOp Op, int Root, long Count, long Digest = 0)
{
    /// <summary>False for messages between two ranks, which the others know nothing of.</summary>
    internal bool IsCollective => Kind is not (CollectiveKind.None or CollectiveKind.Send or CollectiveKind.Receive or CollectiveKind.SendReceive);

    internal long Word => (long)Kind | ((long)Type << 8) | ((long)Op << 16) | ((long)Root << 32);

    /// <summary>
    /// The call in one word: all of it (bit 63 clear), or, where the count is too large or there are counts by rank, too little of it: then the other words have to be compared as well.
    /// </summary>
    internal long Signature => (ulong)Count < 1UL << CountBits && Digest == 0
        ? (long)Kind | ((long)Type << 5) | ((long)Op << 9) | ((long)Root << 12) | (Count << (63 - CountBits))
        : long.MinValue | Word;

    private const int CountBits = 37;

    internal static HostCall FromWords(long word, long count, long digest) =>
        new((CollectiveKind)(byte)word, (DataType)(byte)(word >> 8), (ReduceOp)(byte)(word >> 16), (int)(word >> 32), count, digest);

    /// <summary>A message: the peer stands in place of the root, the tag in that of the digest.</summary>
    internal static HostCall Message(CollectiveKind kind, DataType type, nuint count, int peer, int tag) => new(kind, type, default, peer, (long)count, tag);

    /// <summary>The call for counts by rank: the one count if they are equal, else their sum and a digest of them all (FNV-1a).</summary>
    internal static HostCall WithCounts(CollectiveKind kind, DataType type, ReduceOp op, ReadOnlySpan<nuint> counts)
    {
        long sum = 0;
        ulong digest = 0xCBF29CE484222325;
        foreach (nuint count in counts)
        {
            sum += (long)count;
            digest = unchecked((digest ^ count) * 0x100000001B3);
        }

        return counts.ContainsAnyExcept(counts[0]) ? new(kind, type, op, 0, sum, (long)(digest | 1)) : new(kind, type, op, 0, (long)counts[0]);
    }

    public override string ToString()
    {
        if (Kind is CollectiveKind.Send or CollectiveKind.Receive or CollectiveKind.SendReceive)
            return $"{Kind}({Count} × {Type}, {(Kind == CollectiveKind.Receive ? "from" : "to")} {(Root < 0 ? "any rank" : $"rank {Root}")}, {(Digest < 0 ? "any tag" : $"tag {Digest}")})";
        string what = $"{Count}{(Digest == 0 ? "" : $" in counts by rank #{(uint)Digest:x8}")} × {Type}";
        return Kind switch
        {
            CollectiveKind.None => "",
            CollectiveKind.Barrier => "Barrier",
            CollectiveKind.AllReduce or CollectiveKind.ReduceScatter => $"{Kind}({what}, {Op})",
            CollectiveKind.Reduce => $"{Kind}({what}, {Op}, root {Root})",
            CollectiveKind.AllGather or CollectiveKind.AllToAll or CollectiveKind.AllReduceRmsNorm => $"{Kind}({what})",
            CollectiveKind.AllToAllV => $"{Kind}({Type})",
            CollectiveKind.AllocateHost => $"{Kind}({Count} bytes)",
            _ => $"{Kind}({what}, root {Root})",
        };
    }
}
