using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance;

/// <summary>
/// One call on all ranks. Count in elements, of a part where a call has parts; Varied: each rank's part has a length of its own. Misalignment in bytes, so that
/// pointers need not be multiples of the element's size.
/// </summary>
public readonly record struct Case(CollectiveKind Collective, DataType Type, ReduceOp Op, int Count, bool InPlace, int Root, bool Varied, int Misalignment, int Seed)
{
    internal bool Reduces => Collective is CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.ReduceScatter;

    /// <summary>The part of each rank; for AllToAllV of rank <paramref name="sender"/>'s input.</summary>
    internal int[] Counts(int ranks, int sender = 0)
    {
        if (!Varied)
            return [.. Enumerable.Repeat(Count, ranks)];
        Random random = new(unchecked((Seed * 31) + sender));
        int count = Count;
        return [.. Enumerable.Range(0, ranks).Select(_ => random.Next(4) == 0 ? 0 : random.Next((2 * count) + 1))];
    }

    public override string ToString() =>
        $"{Collective} of {Count} × {Type}{(Varied ? ", counts by rank" : "")}{(Reduces ? $", {Op}" : "")}, root {Root}, {(InPlace ? "in place" : "out of place")}, {Misalignment} bytes off, seed {Seed}";
}
