using CollectivesSharp.Unit.Groups;
using Xunit;

namespace CollectivesSharp.Unit.Device;

public sealed class DevicePlanTests
{
    [Fact]
    public void Ranks_with_a_GPU_each_and_one_NCCL_have_no_objection() => Assert.Null(DevicePlan.FindObjection([With(0), With(1), With(2)]));

    [Fact]
    public void A_reason_that_all_share_is_told_once() =>
        Assert.Equal("no driver", DevicePlan.FindObjection([Without(0, "no driver"), Without(1, "no driver")]));

    [Fact]
    public void Ranks_without_a_GPU_are_told_by_reason() =>
        Assert.Equal("ranks 1, 3: no driver; rank 2: no GPU", DevicePlan.FindObjection([With(0), Without(1, "no driver"), Without(2, null), Without(3, "no driver")]));

    [Fact]
    public void A_missing_GPU_is_told_before_a_missing_library() =>
        Assert.Equal("rank 0: no driver", DevicePlan.FindObjection([Without(0, "no driver"), With(1) with { Nccl = null, NcclObjection = "not found" }]));

    [Fact]
    public void Ranks_without_NCCL_are_told_with_what_was_tried() =>
        Assert.Equal("rank 1: not found", DevicePlan.FindObjection([With(0), With(1) with { Nccl = null, NcclObjection = "not found" }]));

    [Fact]
    public void Ranks_without_NCCL_and_without_a_reason_are_told_too() =>
        Assert.Equal("no NCCL", DevicePlan.FindObjection([With(0) with { Nccl = null }, With(1) with { Nccl = null }]));

    [Fact]
    public void Versions_that_differ_are_told_with_their_files() => Assert.Equal(
        "The ranks have different versions of NCCL, which can't talk to each other. ranks 0, 2: NCCL 2.28.9 (/a); rank 1: NCCL 2.29.7 (path unknown). COLLECTIVES_NCCL_PATH names a file.",
        DevicePlan.FindObjection([With(0), With(1) with { Nccl = new MemberNccl(22907, null) }, With(2)]));

    [Fact]
    public void Equal_versions_in_different_files_are_no_objection() => Assert.Null(DevicePlan.FindObjection([With(0), With(1) with { Nccl = new MemberNccl(22809, "/b") }]));

    [Fact]
    public void Ranks_of_a_node_that_share_a_GPU_are_named_with_it() => Assert.Equal(
        "ranks 0, 2 share GPU 5 H100 0000:05:00.0; NCCL wants a GPU for each rank of a node.",
        DevicePlan.FindObjection([With(0, gpu: 5), With(1), With(2, gpu: 5)]));

    [Fact]
    public void The_same_GPU_on_two_nodes_is_no_shared_one() => Assert.Null(DevicePlan.FindObjection([With(0, gpu: 5), With(1, gpu: 5) with { NodeId = "node2" }]));

    private static GroupMember With(int rank, int? gpu = null) => Member.Of(rank) with
    {
        Device = new MemberDevice(gpu ?? rank, "H100", $"0000:{gpu ?? rank:x2}:00.0", new Guid(gpu ?? rank, 0, 0, new byte[8]), 90),
        Nccl = new MemberNccl(22809, "/a"),
    };

    private static GroupMember Without(int rank, string? objection) => Member.Of(rank) with { DeviceObjection = objection };
}
