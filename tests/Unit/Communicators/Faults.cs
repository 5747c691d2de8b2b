using Xunit;

namespace CollectivesSharp.Unit.Communicators;

/// <summary>Runs ranks as threads and tells how each of them ended.</summary>
internal static class Faults
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>On so many nodes that threads play; ranks of a node follow each other.</summary>
    internal static Exception?[] Of(int ranks, Action<GroupCoordinator> body, TimeSpan? timeout = null, int nodes = 1)
    {
        Exception?[] faults = new Exception?[ranks];
        GroupOptions options = new() { Timeout = timeout ?? Patience, HostChunkBytes = 4096 };
        ThreadRanks.Run(ranks, group => faults[group.Rank] = Record.Exception(() => body(group)), rank => nodes == 1 ? options : options with { HostId = $"node {rank * nodes / ranks}" });
        return faults;
    }

    /// <summary>Waits for another rank's signal.</summary>
    internal static void Await(this ManualResetEventSlim signal) => Assert.True(signal.Wait(Patience), "The other rank gave no signal.");
}
