using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>One call as the ranks compare it: two words in shared memory.</summary>
internal readonly record struct HostCall(CollectiveKind Kind, DataType Type, ReduceOp Op, int Root, long Count)
{
    internal long Word => (long)Kind | ((long)Type << 8) | ((long)Op << 16) | ((long)Root << 32);

    internal static HostCall FromWords(long word, long count) =>
        new((CollectiveKind)(byte)word, (DataType)(byte)(word >> 8), (ReduceOp)(byte)(word >> 16), (int)(word >> 32), count);

    public override string ToString() => Kind switch
    {
        CollectiveKind.AllReduce => $"AllReduce({Count} × {Type}, {Op})",
        CollectiveKind.Broadcast => $"Broadcast({Count} × {Type}, root {Root})",
        _ => Kind.ToString(),
    };
}
