using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>All-reduces by our own kernels.</summary>
internal static partial class DeviceRank
{
    /// <summary>"capabilities", "route", "reduce", "broadcast".</summary>
    private static async Task KernelsAsync(GroupOptions options)
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        TryKernels(group);
    }

    private static void KernelThreads(GroupOptions options) => Threads(options, TryKernels);

    private static void TryKernels(GroupCoordinator group)
    {
        Tell(group.Rank, "objections", $"device: {group.DeviceObjection} peers: {group.PeerObjection}");
        Tell(group.Rank, "route", group.Route(new AllReduceRequest(256, DataType.Float32, ReduceOp.Max)).ToString());
        if (group.DeviceCommunicator is null)
            return;
        using Place place = new(group);
        Step(group.Rank, "reduce", () => ReduceRight(place));
        Step(group.Rank, "broadcast", () => group.Broadcast<float>(place.Buffer, 0, place.Stream));
        Step(group.Rank, "product", () => group.AllReduce<float>(place.Buffer, place.Buffer, ReduceOp.Product, place.Stream));
        Step(group.Rank, "end", () =>
        {
            place.Synchronize();
            group.Barrier();
        });
    }

    /// <summary>Rank 1 does not make the call that the others' kernels wait in.</summary>
    private static async Task SilentKernelAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Prepare([DataType.Float32], [ReduceOp.Max]);
        ReduceRight(place);
        group.Barrier();
        if (rank == 1)
            Step(rank, "barrier", () => group.Barrier());
        else
        {
            Step(rank, "reduce", place.Reduce);
            Step(rank, "wait", place.Synchronize);
        }

        await AfterwardsAsync(place, group.Ranks);
    }

    /// <summary>Rank 1's stream does not come to the barrier in which the others' wait.</summary>
    private static async Task SilentBarrierAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Barrier(place.Stream);
        place.Synchronize();
        group.Barrier();
        if (rank == 1)
            Step(rank, "barrier", () => group.Barrier());
        else
        {
            Step(rank, "device barrier", () => group.Barrier(place.Stream));
            Step(rank, "wait", place.Synchronize);
        }

        Step(rank, "another", () => group.Barrier(place.Stream));
        await AfterwardsAsync(place, group.Ranks);
    }

    /// <summary>Another thread of rank 0 aborts while its stream waits in a barrier.</summary>
    private static void AbortedBarrier(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        group.Barrier(place.Stream);
        place.Synchronize();
        group.Barrier();
        AbortWhile(place, () => group.Barrier(place.Stream));
    });

    /// <summary>Reduces until the test kills rank 1.</summary>
    private static async Task KilledKernelAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        group.Prepare([DataType.Float32], [ReduceOp.Max]);
        group.Barrier();
        Tell(rank, "ready", "");
        Step(rank, "loop", () =>
        {
            while (true)
            {
                place.Reduce();
                place.Synchronize();
            }
        });
        await AfterwardsAsync(place, [.. group.Ranks.Where(other => other != 1)]);
    }

    /// <summary>Another thread of rank 0 aborts while its kernel waits.</summary>
    private static void AbortedKernels(GroupOptions options) => Threads(options, group =>
    {
        using Place place = new(group);
        group.Prepare([DataType.Float32], [ReduceOp.Max]);
        ReduceRight(place);
        group.Barrier();
        AbortWhile(place, () => place.Reduce());
    });

    /// <summary>What rank 0 enqueues waits for rank 1, which does not come.</summary>
    private static void AbortWhile(Place place, Action enqueue)
    {
        GroupCoordinator group = place.Group;
        if (group.Rank == 0)
        {
            enqueue();
            Thread operatorThread = new(() => group.Abort("the operator wants it"));
            operatorThread.Start();
            Step(0, "wait", place.Synchronize);
            operatorThread.Join();
        }
        else
            Step(1, "wait", () => group.Barrier());
        AfterwardsAsync(place, group.Ranks).GetAwaiter().GetResult();
    }

    /// <summary>The fault stays, what was enqueued has ended with NaNs, and a new group in the same process works.</summary>
    private static async Task AfterwardsAsync(Place place, IReadOnlyList<int> ranks)
    {
        int rank = place.Group.Rank;
        Afterwards(rank, place);
        Tell(rank, "output", place.Buffer.ToArray().All(float.IsNaN) ? "NaN" : "no NaN");
        Tell(rank, "quarantine", (PeerArena.QuarantinedBytes(place.Device) > 0).ToString());
        await StepAsync(rank, "again", async () =>
        {
            await using GroupCoordinator again = await place.Group.NewGroupAsync(ranks);
            using Place other = new(again);
            Require(again.PeerObjection is null, again.PeerObjection ?? "");
            ReduceRight(other);
            again.Barrier();
        });
    }

    private static void ReduceRight(Place place)
    {
        int first = place.Group.Ranks.Min();
        place.Buffer.CopyFrom([.. Enumerable.Range(0, 256).Select(i => (float)(i - (place.Group.Rank == first ? 0 : 1000)))]);
        place.Reduce();
        place.Synchronize();
        Assert.Equal(Enumerable.Range(0, 256).Select(i => (float)i), place.Buffer.ToArray());
    }
}
