using Xunit;

namespace CollectivesSharp.Conformance;

public sealed class GroupTests
{
    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Every_rank_knows_the_same_members(int ranks) => World.Run(ranks, group =>
    {
        Assert.Equal(ranks, group.WorldSize);
        Assert.Equal(Enumerable.Range(0, ranks), group.Ranks);
        Assert.Equal(Environment.ProcessId, group.Members[group.RankInGroup].ProcessId);
        Assert.Equal((group.Rank + 1) % ranks, group.NextRank);
        Assert.All(group.Capabilities, vote => Assert.True(vote.IsOn, vote.ToString()));
        long[] generations = new long[ranks];
        generations[group.RankInGroup] = group.Generation;
        group.AllReduce<long>(generations, generations, ReduceOp.Max);
        Assert.All(generations, generation => Assert.Equal(group.Generation, generation));
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Sub_groups_work_beside_each_other_and_beside_the_world(int ranks) => World.Run(ranks, group =>
    {
        int[] even = [.. Enumerable.Range(0, ranks).Where(rank => rank % 2 == 0)];
        int[] odd = [.. Enumerable.Range(0, ranks).Where(rank => rank % 2 == 1)];
        int[] mine = group.Rank % 2 == 0 ? even : odd;
        GroupCoordinator half = group.NewGroupAsync(mine).GetAwaiter().GetResult();
        GroupCoordinator reversed = group.NewGroupAsync([.. mine.Reverse()]).GetAwaiter().GetResult();
        Assert.Equal(half.RankInGroup, reversed.WorldSize - 1 - reversed.RankInGroup);
        Assert.NotEqual(half.Generation, reversed.Generation);
        for (int round = 0; round < 20; round++)
        {
            int[] value = [group.Rank + round];
            int[] sum = [0];
            half.AllReduce<int>(value, sum);
            Assert.Equal(mine.Sum() + (round * mine.Length), sum[0]);
            group.AllReduce<int>(value, sum);
            Assert.Equal((ranks * (ranks - 1) / 2) + (round * ranks), sum[0]);
            reversed.Broadcast<int>(value, 0);
            Assert.Equal(mine[^1] + round, value[0]);
        }

        reversed.DisposeAsync().AsTask().GetAwaiter().GetResult();
        half.DisposeAsync().AsTask().GetAwaiter().GetResult();
        group.Barrier();
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void A_group_made_again_is_a_new_one(int ranks) => World.Run(ranks, group =>
    {
        long last = group.Generation;
        for (int i = 0; i < 3; i++)
        {
            GroupCoordinator again = group.NewGroupAsync(group.Ranks).GetAwaiter().GetResult();
            Assert.True(again.Generation > last, $"generation {again.Generation} after {last}");
            last = again.Generation;
            again.Barrier();
            again.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    });
}
