using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class SubGroupTests
{
    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void Sub_groups_work_beside_each_other_and_beside_the_world_on_streams_of_their_own(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        int[] mine = [.. Enumerable.Range(0, ranks).Where(other => other % 2 == rank.Rank % 2)];
        GroupCoordinator half = New(rank, mine), reversed = New(rank, [.. mine.Reverse()]);
        using (CudaStream second = rank.NewStream(), third = rank.NewStream())
        using (DeviceBuffer<int> one = rank.Device.Allocate<int>(5000), two = rank.Device.Allocate<int>(5000), three = rank.Device.Allocate<int>(5000))
        {
            rank.Meet();
            for (int round = 0; round < 10; round++)
            {
                Fill(one, rank.Rank + round);
                Fill(two, rank.Rank + round);
                Fill(three, rank.Rank + round);

                // One after the other on each rank: whether they run beside each other is the device's business.
                rank.Group.AllReduce(one.Span, one.Span, ReduceOp.Sum, rank.Stream);
                half.AllReduce(two.Span, two.Span, ReduceOp.Sum, second);
                reversed.Broadcast(three.Span, 0, third);
                half.Synchronize(second);
                reversed.Synchronize(third);
                rank.Meet();
                Check(one, (ranks * (ranks - 1) / 2) + (round * ranks));
                Check(two, mine.Sum() + (round * mine.Length));
                Check(three, mine[^1] + round);
            }
        }

        Dispose(reversed);
        Dispose(half);
        rank.Group.Barrier();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_group_made_ten_times_works_each_time(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> value = rank.Buffer(0);
        for (int round = 0; round < 10; round++)
        {
            GroupCoordinator again = New(rank, rank.Group.Ranks);
            value.CopyFrom([rank.Rank + round]);
            again.AllReduce(value.Span, value.Span, ReduceOp.Sum, rank.Stream);
            again.Synchronize(rank.Stream);
            Check(value, (round * ranks) + (ranks * (ranks - 1) / 2));
            Dispose(again);
        }

        rank.Meet();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Groups_are_disposed_in_any_order(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> value = rank.Buffer(1);
        int[][] orders = [[0, 1, 2], [2, 1, 0], [1, 0, 2]];
        foreach (int[] order in orders)
        {
            GroupCoordinator[] groups = [New(rank, rank.Group.Ranks), New(rank, [.. rank.Group.Ranks.Reverse()]), New(rank, [rank.Rank])];
            for (int next = 0; next < groups.Length; next++)
            {
                foreach (int living in order[next..])
                {
                    value.CopyFrom([1]);
                    groups[living].AllReduce(value.Span, value.Span, ReduceOp.Sum, rank.Stream);
                    rank.Meet();
                    Check(value, groups[living].WorldSize);
                }

                Dispose(groups[order[next]]);
            }
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void A_communicator_splits_by_colour_in_the_order_of_the_keys(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        if (rank.Group.Nccl is not { } parent)
            return;

        // The last rank goes nowhere; the others by parity, from the last to the first.
        int? color = rank.Rank == ranks - 1 ? null : rank.Rank % 2;
        int[] mine = [.. Enumerable.Range(0, ranks - 1).Where(other => other % 2 == rank.Rank % 2).Reverse()];
        using DeviceBuffer<int> value = rank.Buffer(rank.Rank);
        rank.Meet();
        using (NcclCommunicator? child = parent.Split(color, key: -rank.Rank))
        {
            Assert.Equal(color is null, child is null);
            if (child is not null)
            {
                Assert.Equal((mine.Length, Array.IndexOf(mine, rank.Rank)), (child.WorldSize, child.Rank));
                child.Broadcast(value.Pointer, 1, DataType.Int32, 0, rank.Stream);
            }

            rank.Meet();
            Check(value, child is null ? rank.Rank : mine[0]);
        }

        StillWorks(rank, value);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_communicator_shrinks_to_those_that_stay(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        if (rank.Group.Nccl is not { } parent || !NcclFeatures.Has(nameof(NcclNative.ncclCommShrink)))
            return;
        using DeviceBuffer<int> value = rank.Buffer(rank.Rank);
        rank.Meet();
        if (rank.Rank != 0)
        {
            using NcclCommunicator child = parent.Shrink([0]);
            Assert.Equal((ranks - 1, rank.Rank - 1), (child.WorldSize, child.Rank));
            child.AllReduce(value.Pointer, value.Pointer, 1, DataType.Int32, ReduceOp.Sum, rank.Stream);
            rank.Group.Synchronize(rank.Stream);
            Check(value, ranks * (ranks - 1) / 2);
        }

        StillWorks(rank, value);
    });

    private static void StillWorks(DeviceRank rank, DeviceBuffer<int> value)
    {
        value.CopyFrom([1]);
        rank.Meet();
        rank.Group.AllReduce(value.Span, value.Span, ReduceOp.Sum, rank.Stream);
        rank.Meet();
        Check(value, rank.Size);
    }

    private static GroupCoordinator New(DeviceRank rank, IReadOnlyList<int> ranks) => rank.Group.NewGroupAsync(ranks).GetAwaiter().GetResult();

    private static void Dispose(GroupCoordinator group) => group.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static void Fill(DeviceBuffer<int> buffer, int value)
    {
        int[] content = new int[buffer.Length];
        Array.Fill(content, value);
        buffer.CopyFrom(content);
    }

    private static void Check(DeviceBuffer<int> buffer, int expected)
    {
        int[] content = buffer.ToArray();
        int wrong = content.AsSpan().IndexOfAnyExcept(expected);
        Assert.True(wrong < 0, $"Element {wrong} of {content.Length} is {(wrong < 0 ? 0 : content[wrong])}, expected {expected}.");
    }
}
