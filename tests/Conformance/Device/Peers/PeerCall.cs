namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// One collective. Route: of an all-reduce; None: the group's own choice. Count: elements in all, of which each rank has an equal part where there are parts. Offsets: how many elements a buffer begins behind a multiple of 16 bytes.
/// </summary>
internal readonly record struct PeerCall(AllReduceRoute Route, ReduceOp Op, int Count, bool InPlace, int InputOffset, int OutputOffset, int Seed)
{
    public CollectiveKind Collective { get; init; } = CollectiveKind.AllReduce;

    /// <summary>Of a broadcast, which has one buffer: it is in place.</summary>
    public int Root { get; init; }

    internal bool Reduces => Collective is CollectiveKind.AllReduce or CollectiveKind.ReduceScatter;
}
