namespace CollectivesSharp.Perf;

/// <summary>One call of a collective, as every repetition of a measurement makes it.</summary>
internal sealed record Call(CollectiveKind Kind, Part Input, Part Output, Operation Op, int Root)
{
    /// <summary>Messages go round.</summary>
    internal static int Next(GroupCoordinator group) => (group.RankInGroup + 1) % group.WorldSize;

    internal static int Previous(GroupCoordinator group) => (group.RankInGroup + group.WorldSize - 1) % group.WorldSize;
}
