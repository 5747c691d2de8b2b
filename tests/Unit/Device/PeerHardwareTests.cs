using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>Which built-in tables hold for which GPUs and links.</summary>
public sealed class PeerHardwareTests
{
    private const string Doubt = "nobody has measured it";

    private static readonly AllReduceFacts s_two = new(2, null, null, 31 << 20, null);
    private static readonly PeerHardware s_other = new(PeerHardwareKind.Unmeasured, Doubt), s_pcie = new(PeerHardwareKind.Pcie, Doubt);

    [Theory]
    [InlineData("00", "00", "SameGpu")]
    [InlineData("01", "10", "NvLink")]
    [InlineData("03", "30", "Pcie")]
    [InlineData("02", "20", "Unknown")]
    [InlineData("02", "10", "NvLink")]
    [InlineData("03", "20", "Pcie")]
    [InlineData("01", "30", "Pcie")]
    public void One_answer_of_a_pair_is_enough_and_the_worse_of_two_counts(string first, string second, string link) => Assert.Equal(Enum.Parse<PeerLink>(link), PeerLinks.Combine([first, second]));

    [Fact]
    public void The_worst_pair_is_the_groups()
    {
        Assert.Equal(PeerLink.NvLink, PeerLinks.Combine(["001", "001", "110"]));
        Assert.Equal(PeerLink.Unknown, PeerLinks.Combine(["011", "102", "120"]));
        Assert.Equal(PeerLink.Pcie, PeerLinks.Combine(["012", "102", "230"]));
        Assert.Equal(PeerLink.Pcie, PeerLinks.Combine(["031", "301", "110"]));
    }

    [Theory]
    [InlineData("NvLink", 90, "Measured", null)]
    [InlineData("SameGpu", 80, "Measured", "share a GPU")]
    [InlineData("Unknown", 90, "Measured", "no process sees")]
    [InlineData("NvLink", 80, "Unmeasured", "Some GPU over NVLink")]
    [InlineData("NvLink", 100, "Unmeasured", "Some GPU over NVLink")]
    [InlineData("Unknown", 89, "Unmeasured", "Some GPU")]
    [InlineData("Pcie", 80, "Pcie", "over PCIe (Some GPU)")]
    [InlineData("Pcie", 90, "Pcie", "over PCIe (Some GPU)")]
    public void GPUs_and_link_decide_which_tables_hold(string link, int capability, string kind, string? doubt)
    {
        PeerHardware hardware = PeerHardware.Of([Member(0, capability), Member(1, capability)], Enum.Parse<PeerLink>(link));
        Assert.Equal(Enum.Parse<PeerHardwareKind>(kind), hardware.Kind);
        if (doubt is null)
            Assert.Null(hardware.Doubt);
        else
            Assert.Contains(doubt, hardware.Doubt, StringComparison.Ordinal);
    }

    [Fact]
    public void One_other_GPU_among_measured_ones_makes_the_group_cautious() => Assert.Equal(PeerHardwareKind.Unmeasured, PeerHardware.Of([Member(0, 90), Member(1, 80)], PeerLink.NvLink).Kind);

    [Theory]
    [InlineData(2, 64 << 10, AllReduceRoute.OneShot)]
    [InlineData(2, (64 << 10) + 1, AllReduceRoute.TwoShot)]
    [InlineData(4, 4 << 20, AllReduceRoute.TwoShot)]
    [InlineData(2, (4 << 20) + 1, AllReduceRoute.Windowed)]
    [InlineData(8, 32 << 20, AllReduceRoute.Windowed)]
    [InlineData(2, (32 << 20) + 1, AllReduceRoute.Nccl)]
    public void Other_GPUs_have_a_cautious_table_whose_reasons_say_so(int ranks, uint bytes, AllReduceRoute route) => CheckCautious(s_two with { WorldSize = ranks, Hardware = s_other }, bytes, route);

    [Theory]
    [InlineData(2, 16 << 10, AllReduceRoute.OneShot)]
    [InlineData(2, (16 << 10) + 1, AllReduceRoute.Nccl)]
    [InlineData(3, 8 << 10, AllReduceRoute.OneShot)]
    [InlineData(3, (8 << 10) + 1, AllReduceRoute.Nccl)]
    [InlineData(2, 64 << 20, AllReduceRoute.Nccl)]
    public void Over_PCIe_our_kernels_take_the_shortest_messages_alone(int ranks, uint bytes, AllReduceRoute route) => CheckCautious(s_two with { WorldSize = ranks, Hardware = s_pcie }, bytes, route);

    [Fact]
    public void Without_NCCL_our_kernels_take_everything_there_too()
    {
        AllReduceFacts alone = s_two with { Hardware = s_pcie, NcclObjection = "no libnccl." }, ordered = s_two with { Hardware = s_pcie, Policy = AllReducePolicy.Deterministic };
        foreach (AllReduceFacts facts in (AllReduceFacts[])[alone, ordered])
        {
            Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(Bytes(64 << 10), facts).Route);
            Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(Bytes(1 << 20), facts).Route);
            Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(Bytes(1 << 30), facts).Route);
        }
    }

    [Fact]
    public void Between_symmetric_windows_what_the_cautious_table_leaves_to_NCCL_is_NCCLs() =>
        Assert.Equal(AllReduceRoute.NcclSymmetric, AllReduceRouter.Route(Bytes(64 << 10) with { IsSymmetric = true }, s_two with { Hardware = s_pcie }).Route);

    [Fact]
    public void What_was_measured_or_asked_for_comes_before_the_table()
    {
        AllReduceFacts tuned = s_two with { Hardware = s_pcie, Tuning = new(2, [new(DataType.UInt8, false, [new(1 << 20, AllReduceRoute.TwoShot)])]) };
        Assert.Equal(AllReduceRoute.TwoShot, AllReduceRouter.Route(Bytes(1 << 20) with { Type = DataType.UInt8 }, tuned).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(Bytes(1 << 20), s_two with { Hardware = s_pcie, Forced = AllReduceRoute.Windowed }).Route);
    }

    [Theory]
    [InlineData(64 << 10, AllReduceRmsNormRoute.OneShot)]
    [InlineData(4 << 20, AllReduceRmsNormRoute.TwoShot)]
    [InlineData(5 << 20, AllReduceRmsNormRoute.Separate)]
    public void With_RMSNorm_other_GPUs_keep_cautious_sizes(uint bytes, AllReduceRmsNormRoute route)
    {
        AllReduceRmsNormChoice choice = RmsNormRouter.Route(bytes / 1024, 512, DataType.BFloat16, s_two with { Hardware = s_other });
        Assert.Equal((route, Doubt), (choice.Route, choice.Reason));
    }

    [Fact]
    public void With_RMSNorm_over_PCIe_short_messages_alone_go_by_one_kernel()
    {
        AllReduceFacts facts = s_two with { Hardware = s_pcie };
        Assert.Equal(AllReduceRmsNormRoute.OneShot, RmsNormRouter.Route(16, 512, DataType.BFloat16, facts).Route);
        Assert.Equal(AllReduceRmsNormRoute.Separate, RmsNormRouter.Route(17, 512, DataType.BFloat16, facts).Route);
        Assert.Equal(AllReduceRmsNormRoute.Separate, RmsNormRouter.Route(9, 512, DataType.BFloat16, facts with { WorldSize = 4 }).Route);
        Assert.Equal(AllReduceRmsNormRoute.OneShot, RmsNormRouter.Route(64, 512, DataType.BFloat16, facts with { NcclObjection = "no libnccl." }).Route);
    }

    private static void CheckCautious(AllReduceFacts facts, uint bytes, AllReduceRoute route)
    {
        foreach (bool isRegistered in (ReadOnlySpan<bool>)[false, true])
        {
            AllReduceChoice choice = AllReduceRouter.Explain(Bytes(bytes) with { IsRegistered = isRegistered }, facts);
            Assert.Equal((route, Doubt), (choice.Route, choice.Reason));
            Assert.DoesNotContain(choice.Others, other => other.Reason.Contains("faster", StringComparison.Ordinal));
        }
    }

    private static AllReduceRequest Bytes(uint bytes) => new(bytes, DataType.Float8E4M3, ReduceOp.Sum);

    private static GroupMember Member(int rank, int capability) => Groups.Member.Of(rank) with { Device = new MemberDevice(rank, "Some GPU", $"0000:0{rank}:00.0", new Guid(rank, 0, 0, new byte[8]), capability) };
}
