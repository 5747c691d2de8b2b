namespace CollectivesSharp.Perf;

/// <summary>One call of a collective, as every repetition of a measurement makes it.</summary>
internal sealed record Call(CollectiveKind Kind, Part Input, Part Output, Operation Op, int Root)
{
    /// <summary>The input is read: elsewhere than at the root of a broadcast or scatter it isn't.</summary>
    internal bool Sends(GroupCoordinator group) => Kind is not (CollectiveKind.Broadcast or CollectiveKind.Scatter) || Root == group.RankInGroup;

    /// <summary>Messages go round.</summary>
    internal static int Next(GroupCoordinator group) => (group.RankInGroup + 1) % group.WorldSize;

    internal static int Previous(GroupCoordinator group) => (group.RankInGroup + group.WorldSize - 1) % group.WorldSize;
}
