using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>What the tests of our kernels have in common.</summary>
internal static class PeerGroup
{
    /// <summary>On ranks that have peer memory; skips the test where they have none, with the reason.</summary>
    internal static void Run(int ranks, Action<DeviceRank> body) => DeviceWorld.Run(ranks, rank =>
    {
        Assert.SkipWhen(rank.Group.PeerObjection is not null, rank.Group.PeerObjection ?? "");
        if (rank.Size > 1)
            body(rank);
    });

    /// <summary>Calls that have been prepared, four times in turn: as they are, and as a graph that was captured once. What a round loads differs from the one before.</summary>
    internal static void EagerAndReplayed(DeviceRank rank, Action enqueue, Action<int> load, Action<int> check)
    {
        load(0);
        rank.Meet();
        using CudaGraph graph = rank.Capture(enqueue);
        using CudaGraphExec exec = graph.Instantiate();
        for (int round = 0; round < 4; round++)
        {
            rank.Meet();
            load(round);
            rank.Meet();
            if (round % 2 == 0)
                enqueue();
            else
                exec.Launch(rank.Stream);
            rank.Meet();
            check(round);
        }
    }

    internal static PeerCommunicator PeerOf(GroupCoordinator group) => ((RoutedDeviceCommunicator)group.DeviceCommunicator!).Peer;

    internal static AllReduceRoute AnyRoute(Random random) => (AllReduceRoute)random.Next((int)AllReduceRoute.OneShot, (int)AllReduceRoute.Windowed + 1);

    internal static GroupCoordinator New(DeviceRank rank, IEnumerable<int>? ranks = null) => rank.Group.NewGroupAsync([.. ranks ?? rank.Group.Ranks]).GetAwaiter().GetResult();

    internal static void Dispose(GroupCoordinator group) => group.DisposeAsync().AsTask().GetAwaiter().GetResult();

    internal static void Fill(DeviceBuffer<float> buffer, float value) => buffer.CopyFrom([.. Enumerable.Repeat(value, (int)buffer.Length)]);

    internal static void Check(DeviceBuffer<float> buffer, float expected) => Assert.All(buffer.ToArray(), found => Assert.Equal(expected, found));
}
