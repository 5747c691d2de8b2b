using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance;

/// <summary>One call on all ranks. Count in elements; misalignment in bytes, so that pointers need not be multiples of the element's size.</summary>
public readonly record struct Case(CollectiveKind Collective, DataType Type, ReduceOp Op, int Count, bool InPlace, int Root, int Misalignment, int Seed)
{
    public override string ToString() =>
        $"{Collective} of {Count} × {Type}, {(Collective == CollectiveKind.AllReduce ? $"{Op}, {(InPlace ? "in place" : "out of place")}" : $"root {Root}")}, {Misalignment} bytes off, seed {Seed}";
}
