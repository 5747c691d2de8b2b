using Xunit;

namespace CollectivesSharp.Unit.Communicators;

/// <summary>Runs ranks as threads and tells how each of them ended.</summary>
internal static class Faults
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    internal static Exception?[] Of(int ranks, Action<GroupCoordinator> body, TimeSpan? timeout = null)
    {
        Exception?[] faults = new Exception?[ranks];
        ThreadRanks.Run(ranks, group => faults[group.Rank] = Record.Exception(() => body(group)), new GroupOptions { Timeout = timeout ?? Patience, HostChunkBytes = 4096 });
        return faults;
    }

    /// <summary>Waits for another rank's signal.</summary>
    internal static void Await(this ManualResetEventSlim signal) => Assert.True(signal.Wait(Patience), "The other rank gave no signal.");
}
