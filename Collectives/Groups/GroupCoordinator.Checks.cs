using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    private static DataType CheckReduction<T>(ReduceOp op)
        where T : unmanaged
        => (uint)op <= (uint)ReduceOp.Average ? DataTypeExtensions.Of<T>() : throw new ArgumentOutOfRangeException(nameof(op), op, "No such reduction.");

    private void CheckRoot(int root)
    {
        if ((uint)root >= (uint)WorldSize)
            throw new ArgumentOutOfRangeException(nameof(root), root, $"A root is a rank in the group, 0 to {WorldSize - 1}.");
    }

    private static void CheckPair<T>(string call, ReadOnlySpan<T> input, ReadOnlySpan<T> output, int inputLength, int outputLength)
    {
        if (inputLength != outputLength)
            throw new ArgumentException($"{call} of {inputLength} elements into {outputLength}.");
        if (input.Overlaps(output, out int offset) && offset != 0)
            throw new ArgumentException($"{call}: input and output overlap, {Math.Abs(offset)} elements apart; they must be the same memory or separate.");
    }

    private void CheckWhole(string call, int part, int whole)
    {
        if ((long)part * WorldSize != whole)
            throw new ArgumentException($"{call}: {whole} elements for {WorldSize} ranks of {part} each; {(long)part * WorldSize} are needed.");
    }

    /// <summary>The part may lie at its place in the whole; anywhere else in it the call would read what it has written.</summary>
    private static void CheckPart<T>(string call, ReadOnlySpan<T> part, ReadOnlySpan<T> whole, int start)
    {
        if (whole.Overlaps(part, out int offset) && offset != start)
            throw new ArgumentException($"{call}: the part lies {offset} elements into the whole; it must be at its own place, {start}, or outside.");
    }

    /// <summary>Returns where this rank's part begins. <paramref name="own"/>: its length, -1 if it is not in these counts.</summary>
    private int CheckCounts(string call, ReadOnlySpan<nuint> counts, int own, int whole)
    {
        if (counts.Length != WorldSize)
            throw new ArgumentException($"{call}: {counts.Length} counts for {WorldSize} ranks.");
        UInt128 sum = 0, start = 0;
        for (int rank = 0; rank < counts.Length; rank++)
        {
            if (rank == RankInGroup)
                start = sum;
            sum += counts[rank];
        }

        if (sum != (uint)whole)
            throw new ArgumentException($"{call}: the counts of all ranks make {sum} elements, the buffer has {whole}.");
        if (own >= 0 && counts[RankInGroup] != (nuint)own)
            throw new ArgumentException($"{call}: this rank's count is {counts[RankInGroup]}, its buffer has {own} elements.");
        return (int)start;
    }
}
