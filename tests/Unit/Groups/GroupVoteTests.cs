using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class GroupVoteTests
{
    private static readonly int[] s_ranks = [4, 7, 9];
    private readonly InProcessStore _store = new();

    [Fact]
    public async Task A_capability_is_on_if_every_member_has_it()
    {
        GroupVote[] votes = await HoldAsync(TimeSpan.FromSeconds(60), (0, null), (1, null), (2, null));
        Assert.All(votes, vote => Assert.True(vote.IsOn));
        Assert.Equal("peer access: on", votes[2].ToString());
    }

    [Fact]
    public async Task It_is_off_on_all_members_with_the_objections_of_all_that_object()
    {
        GroupVote[] votes = await HoldAsync(TimeSpan.FromSeconds(60), (0, "no GPU"), (1, null), (2, "an old\ndriver"));
        Assert.All(votes, vote =>
        {
            Assert.False(vote.IsOn);
            Assert.Equal([4, 9], vote.Objections.Keys.Order());
            Assert.Equal("no GPU", vote.Objections[4]);
        });
        Assert.Equal("peer access: off, rank 4: no GPU; rank 9: an old driver", votes[1].ToString());
    }

    [Fact]
    public async Task Who_does_not_vote_objects()
    {
        GroupVote[] votes = await HoldAsync(TimeSpan.FromSeconds(1.5), (0, null), (2, null));
        Assert.All(votes, vote => Assert.Equal("peer access: off, rank 7: did not vote within 1.5 s", vote.ToString()));
    }

    private async Task<GroupVote[]> HoldAsync(TimeSpan timeout, params (int RankInGroup, string? Objection)[] members) => await Task.WhenAll(members.Select(member =>
        Task.Run(() => GroupVote.HoldAsync(_store, "prefix", "peer access", s_ranks, member.RankInGroup, member.Objection, timeout, CancellationToken.None))));
}
