using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Two machines for real, as far as the network goes: a namespace each, and between them a wire that delays, loses or is cut.</summary>
[Collection(Alone.Name)]
public sealed class NetworkTests
{
    private const int Nodes = 2;
    private const int RanksPerNode = 2;

    [Fact]
    public async Task Collectives_and_messages_are_right_over_a_slow_and_lossy_network()
    {
        using Wire wire = Wire.Lay(TimeSpan.FromMilliseconds(2), lossPercent: 1);
        await using RankProcesses job = Start(wire, "check", "60000", "36");
        await job.WaitUntilReadyAsync();
        foreach (Process rank in job.Ranks)
            Assert.Equal("right", await RankProcesses.ReadLineAsync(rank));
        Assert.True(wire.LostPackets > 0 && wire.CarriedPackets > 500, $"{wire.LostPackets} of {wire.CarriedPackets} packets were lost: the wire was not what it should be.");
    }

    [Fact]
    public async Task A_cut_cable_is_noticed_on_both_sides_before_the_deadline()
    {
        using Wire wire = Wire.Lay(TimeSpan.FromMilliseconds(1), lossPercent: 0);
        await using RankProcesses job = Start(wire, "loop", "12000", "mixed");
        await job.WaitUntilReadyAsync();
        long cut = Stopwatch.GetTimestamp();
        wire.Cut();
        for (int rank = 0; rank < job.Ranks.Length; rank++)
        {
            Outcome outcome = await RankProcesses.ReadOutcomeAsync(job.Ranks[rank]);
            double seconds = Stopwatch.GetElapsedTime(cut).TotalSeconds;
            Assert.True(outcome is { Exception: nameof(PeerLostException), Reason: nameof(PeerLossReason.Unreachable) }, $"rank {rank} after {seconds:0.0} s: {outcome}");
            Assert.True(outcome.LostRank / RanksPerNode != rank / RanksPerNode, $"rank {rank} lost one of its own node: {outcome}");
            Assert.True(seconds < 11.5, $"rank {rank} after {seconds:0.0} s: {outcome}");
        }
    }

    private static RankProcesses Start(Wire wire, params string[] arguments) => RankProcesses.Of(Enumerable.Range(0, Nodes * RanksPerNode).Select(rank =>
    {
        int node = rank / RanksPerNode;
        return RankProcesses.StartOne(arguments, new Dictionary<string, string>
        {
            ["COLLECTIVES_RANK"] = rank.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_WORLD_SIZE"] = (Nodes * RanksPerNode).ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_LOCAL_RANK"] = (rank % RanksPerNode).ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_LOCAL_SIZE"] = RanksPerNode.ToString(CultureInfo.InvariantCulture),
            ["COLLECTIVES_MASTER_ADDR"] = Wire.AddressOf(0),
            ["COLLECTIVES_MASTER_PORT"] = "29777",
            ["COLLECTIVES_SECRET"] = "of this test",
        }, "ip", "netns", "exec", wire.NamespaceOf(node));
    }));
}
