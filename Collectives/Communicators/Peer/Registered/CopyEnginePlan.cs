namespace CollectivesSharp;

/// <summary>
/// How an all-reduce by copy engines is cut: a part for each rank, pieces of a part. All in bytes from the beginning of the message, and the same on every rank.
/// </summary>
/// <param name="Bytes">Of the message.</param>
/// <param name="Ranks">Of the group.</param>
internal readonly record struct CopyEnginePlan(nuint Bytes, int Ranks)
{
    internal const int MostPieces = 2;

    /// <summary>A line of the second-level cache; whole elements and cells of every type.</summary>
    private const nuint Unit = 128;

    /// <summary>Below, a second copy costs more than it hides.</summary>
    internal const nuint Divisible = 1 << 20;

    /// <summary>
    /// Two, equally long, keep the wire busy from the first byte to the last: the first is reduced while the contributions of the second travel, the second while the results of the first do. More were slower
    /// (2 H200s: bench/results/copy-engine-cuts.json).
    /// </summary>
    internal int Pieces => Part >= Divisible ? MostPieces : 1;

    /// <summary>Of a rank; the last ones may be shorter, or empty.</summary>
    internal nuint Part => PartOf(Bytes, Ranks);

    internal static nuint PartOf(nuint bytes, int ranks) => ((bytes / (Unit * (nuint)ranks)) + (bytes % (Unit * (nuint)ranks) == 0 ? 0u : 1u)) * Unit;

    /// <summary>Of a rank's part, where a piece begins and ends in the message; empty behind its end.</summary>
    internal (nuint Begin, nuint End) Range(int rank, int piece)
    {
        nuint start = (nuint)rank * Part;
        return (nuint.Min(start + Cut(piece), Bytes), nuint.Min(start + Cut(piece + 1), Bytes));
    }

    private nuint Cut(int piece) => Part / Unit * (nuint)piece / (nuint)Pieces * Unit;
}
