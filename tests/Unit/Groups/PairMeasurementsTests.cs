using CollectivesSharp.Topology;
using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class PairMeasurementsTests
{
    [Fact]
    public void The_text_shows_measured_and_nominal_bandwidth_and_latency_by_row_and_column()
    {
        PairMeasurements measured = Of(3, null,
            Pair(0, 1, 361.4, 478.1) with { LatencyMicroseconds = 1.234 }, Pair(0, 2, 12.34, 0) with { LatencyMicroseconds = 10 }, Pair(1, 0, 362, 478.1) with { LatencyMicroseconds = 1.2 },
            Pair(1, 2, 5, 0) with { LatencyMicroseconds = 2 }, Pair(2, 0, null, 0) with { Objection = "rank 2: refused" }, Pair(2, 1, null, 0) with { Objection = "rank 2: refused" });

        Assert.Equal(
            """
            GB/s from the row's rank to the column's, copies of 1024 bytes by peer access; nominal in brackets
                       rank 0     rank 1  rank 2
            rank 0          X  361 (478)    12.3
            rank 1  362 (478)          X    5.00
            rank 2          -          -       X

            Microseconds, half the round trip of a flag
                    rank 0  rank 1  rank 2
            rank 0       X    1.23   10.00
            rank 1    1.20       X    2.00
            rank 2       -       -       X

            2 to 0, 2 to 1: rank 2: refused

            """,
            measured.ToString());
    }

    [Fact]
    public void A_group_of_one_has_no_pairs_and_a_pair_of_one_rank_is_refused()
    {
        PairMeasurements alone = Of(1, null);
        Assert.Equal("One rank: there is no pair to measure.\n", alone.ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => alone[0, 0]);
    }

    [Fact]
    public void A_copy_that_arrives_wrong_is_a_warning_that_names_both_GPUs_and_what_to_do()
    {
        GroupTopologyWarning warning = Assert.Single(Of(2, null, Pair(0, 1, 20, 25) with { WrongBytes = 4096 }, Pair(1, 0, 20, 25)).Warnings);

        Assert.Equal(TopologyWarningKind.PeerAccessFailed, warning.Warning.Kind);
        Assert.Equal([0, 1], warning.Ranks);
        Assert.StartsWith("ranks 0, 1: GPU 0000:00:06.0 to GPU 0000:00:07.0: P2P reported but the copy test failed: 4096 bytes arrived wrong. An IOMMU or PCIe ACS", warning.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Less_than_half_of_what_a_path_promises_is_a_warning_and_half_of_it_is_none()
    {
        Assert.Empty(Of(2, null, Pair(0, 1, 12.5, 25), Pair(1, 0, 300, 0)).Warnings);
        GroupTopologyWarning warning = Assert.Single(Of(2, null, Pair(0, 1, 12.4, 25) with { Path = RankPath.PciePeer }).Warnings);
        Assert.Equal(TopologyWarningKind.PeerAccessSlow, warning.Warning.Kind);
        Assert.Contains("12.4 of nominally 25.0 GB/s; PCIe ACS", warning.Warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Peer_access_that_the_driver_reports_and_the_arena_could_not_use_is_a_warning_with_the_reason()
    {
        PairMeasurement[] pairs = [Pair(0, 1, 20, 25) with { Transport = PairTransport.Nccl }, Pair(1, 0, 20, 25) with { Transport = PairTransport.Nccl }];
        PairMeasurements measured = Of(2, "the copy test failed from rank 0 to rank 1", pairs);

        Assert.Equal("ranks 0, 1: peer access: P2P reported but it can't be used: the copy test failed from rank 0 to rank 1", Assert.Single(measured.Warnings).ToString());
        Assert.Contains("Not over peer access: the copy test failed", measured.ToString(), StringComparison.Ordinal);
        Assert.Empty(Of(2, "no peer access", [.. pairs.Select(pair => pair with { Path = RankPath.HostMemory })]).Warnings);
    }

    [Fact]
    public void A_pattern_tells_its_rank_and_its_place()
    {
        PairPattern pattern = new(4096);
        byte[] content = pattern.Of(3);

        Assert.Equal(0, PairPattern.CountWrong(content, 3));
        Assert.True(PairPattern.CountWrong(content, 2) > 2048);
        byte[] shifted = [.. content[8..], .. content[..8]];
        Assert.True(PairPattern.CountWrong(shifted, 3) > 2048);
        content[100] ^= 1;
        Assert.Equal(1, PairPattern.CountWrong(content, 3));
    }

    [Fact]
    public void Options_that_make_no_sense_name_themselves()
    {
        Assert.Contains("Bytes 12", Assert.Throws<ArgumentException>(() => new PairOptions { Bytes = 12 }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("Copies 0", Assert.Throws<ArgumentException>(() => new PairOptions { Copies = 0 }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("Timeout", Assert.Throws<ArgumentException>(() => new PairOptions { Timeout = TimeSpan.Zero }.Validate()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nominal_bandwidth_of_a_group_is_that_of_its_NVLinks_its_PCIe_or_its_adapters()
    {
        GroupTopology pair = GroupTopologyTests.Of(("a", "h100-vm", [0, 1]));
        Assert.Equal(478.1, pair.NominalBandwidth(0, 1), 0.2);
        GroupTopology nodes = GroupTopologyTests.Of(("a", "h100-infiniband-rails", [0]), ("b", "h100-infiniband-rails", [0]));
        Assert.Equal(nodes.Ranks[0].Adapters.Single(adapter => adapter.Name == nodes.Ranks[0].NearestAdapter).GigabitsPerSecond / 8, nodes.NominalBandwidth(0, 1));
        Assert.Equal(0, GroupTopologyTests.Of(("a", "h100-vm", [0]), ("b", "h100-vm", [0])).NominalBandwidth(0, 1));
    }

    [Fact]
    public void Where_NCCL_fails_only_what_bears_on_it_is_told_and_adapters_only_between_nodes()
    {
        MachineTopology machine = new()
        {
            Warnings =
            [
                new TopologyWarning(TopologyWarningKind.VirtualTopology, "machine", "it is virtual"), new TopologyWarning(TopologyWarningKind.RoceV1Only, "mlx5_0", "it has RoCE v1 addresses only"),
                new TopologyWarning(TopologyWarningKind.PortDown, "mlx5_1", "port 1 is DOWN"), new TopologyWarning(TopologyWarningKind.NvLinkUnusable, "GPU0", "links are refused"),
                new TopologyWarning(TopologyWarningKind.PortDown, "mlx5_2", "port 1 is DOWN"),
            ],
        };

        Assert.Equal(" This rank's machine: GPU0: links are refused.", NcclAdvice.Hint(machine, spansNodes: false));
        Assert.Equal(" This rank's machine: mlx5_0: it has RoCE v1 addresses only; mlx5_1: port 1 is DOWN; GPU0: links are refused; and 1 more, which perf topology --tree shows.", NcclAdvice.Hint(machine, spansNodes: true));
        Assert.Equal("", NcclAdvice.Hint(new MachineTopology(), spansNodes: true));
    }

    private static PairMeasurement Pair(int from, int to, double? measured, double nominal) => new(from, to, RankPath.NvLink, PairTransport.PeerMemory, nominal) { GigabytesPerSecond = measured };

    private static PairMeasurements Of(int ranks, string? objection, params PairMeasurement[] pairs)
    {
        GroupMember[] members = [.. Enumerable.Range(0, ranks).Select(rank => Member.Of(rank) with { NodeId = "a", Device = new MemberDevice(rank, "GPU", $"0000:00:0{6 + rank}.0", Guid.Empty, 0) })];
        return new PairMeasurements(members, GroupTopologyTests.Of(("a", "h100-vm", [0])), 1024, pairs, objection);
    }
}
