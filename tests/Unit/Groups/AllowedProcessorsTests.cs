using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class AllowedProcessorsTests
{
    [Theory]
    [InlineData("1", "2", 2)] // bound to a core each
    [InlineData("3", "3", 2)]
    [InlineData("3", "6", 3)]
    [InlineData("ffffffff,00000000", "1", 33)]
    [InlineData("f,00000000,00000001", "00000000", 5)]
    public void Ranks_have_the_union_of_their_masks(string first, string second, int cores) =>
        Assert.Equal(cores, AllowedProcessors.CountUnion([Member.Of(0, first, 64), Member.Of(1, second, 64)]));

    [Fact]
    public void A_quota_counts_once_for_each_process()
    {
        Assert.Equal(4, AllowedProcessors.CountUnion([Member.Of(0, "ff", 2), Member.Of(1, "ff", 2)]));
        Assert.Equal(2, AllowedProcessors.CountUnion([Member.Of(0, "ff", 2, process: 7), Member.Of(1, "ff", 2, process: 7)]));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("")]
    [InlineData("no mask")]
    public void What_can_not_be_read_is_one_core(string mask) => Assert.Equal(1, AllowedProcessors.CountUnion([Member.Of(0, mask)]));

    [Fact]
    public void The_own_mask_has_the_processors_that_the_runtime_counts_or_more()
    {
        string own = AllowedProcessors.Own();
        Assert.Matches("^[0-9a-f,]+$", own);
        Assert.True(AllowedProcessors.CountUnion([Member.Of(0, own, int.MaxValue)]) >= Environment.ProcessorCount, own);
    }
}
