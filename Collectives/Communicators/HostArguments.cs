namespace CollectivesSharp;

/// <summary>What every communicator refuses before a call counts.</summary>
internal static class HostArguments
{
    internal static void CheckRoot(int root, int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, ranks);
    }

    internal static void CheckCounts(ReadOnlySpan<nuint> counts, int ranks, string name)
    {
        if (counts.Length != ranks)
            throw new ArgumentException($"{counts.Length} counts for {ranks} ranks.", name);
    }
}
