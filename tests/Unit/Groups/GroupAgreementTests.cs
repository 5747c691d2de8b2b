using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class GroupAgreementTests
{
    [Fact]
    public void Equal_terms_are_no_mismatch() =>
        Assert.Null(GroupAgreement.FindMismatch([Member.Saying(0, ("a", "1"), ("b", "2")), Member.Saying(1, ("b", "2"), ("a", "1"))]));

    [Fact]
    public void A_mismatch_says_who_has_what() => Assert.Equal(
        "SDK version: ranks 0, 2, 3 have 1.0, rank 1 has 1.1",
        GroupAgreement.FindMismatch([.. new[] { "1.0", "1.1", "1.0", "1.0" }.Select((version, rank) => Member.Saying(rank, ("SDK version", version), ("same", "x")))]));

    [Fact]
    public void All_mismatches_are_told_and_a_term_that_a_member_does_not_know_is_one() => Assert.Equal(
        "a: rank 5 has 1, rank 7 has 2; new: rank 5 has none, rank 7 has on",
        GroupAgreement.FindMismatch([Member.Saying(5, ("a", "1")), Member.Saying(7, ("a", "2"), ("new", "on"))]));

    [Fact]
    public void What_decides_how_ranks_talk_is_compared()
    {
        SortedDictionary<string, string> terms = GroupAgreement.Terms(new GroupOptions { Name = "tensor parallel", HostChunkBytes = 8192, Timeout = TimeSpan.FromSeconds(90) }, 3);
        Assert.Equal("3", terms["world size"]);
        Assert.Equal("tensor parallel", terms["GroupOptions.Name"]);
        Assert.Equal("8192", terms["GroupOptions.HostChunkBytes"]);
        Assert.Equal("00:01:30", terms["GroupOptions.Timeout"]);
        Assert.NotEqual("unknown", terms["SDK version"]);
    }

    [Fact]
    public void What_decides_how_devices_talk_is_compared()
    {
        SortedDictionary<string, string> plain = GroupAgreement.Terms(new GroupOptions(), 2);
        SortedDictionary<string, string> set = GroupAgreement.Terms(new GroupOptions { DeviceTimeout = TimeSpan.FromSeconds(7), Nccl = new NcclOptions { MaxCtas = 8 }, ArenaBytes = 1 << 20 }, 2);
        Assert.Equal("1048576", set["GroupOptions.ArenaBytes"]);
        Assert.Equal("00:00:07", set["GroupOptions.DeviceTimeout"]);
        Assert.Contains("MaxCtas = 8", set["GroupOptions.Nccl"], StringComparison.Ordinal);
        Assert.NotEqual(plain["GroupOptions.Nccl"], set["GroupOptions.Nccl"]);
        Assert.Equal(plain["GroupOptions.Nccl"], GroupAgreement.Terms(new GroupOptions { Nccl = new NcclOptions() }, 2)["GroupOptions.Nccl"]);
    }

    [Fact]
    public void Which_device_a_rank_takes_is_its_own_affair() =>
        Assert.Equal(GroupAgreement.Terms(new GroupOptions { Device = 1 }, 2), GroupAgreement.Terms(new GroupOptions { Device = DeviceChoice.None }, 2));
}
