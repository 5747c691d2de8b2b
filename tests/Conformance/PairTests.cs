using Xunit;

namespace CollectivesSharp.Conformance;

public sealed class PairTests
{
    public static TheoryData<int> Sizes => World.IsLaunched ? [World.Launch.WorldSize] : World.Nodes > 1 ? [3] : [1, 2, 5];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Ranks_on_host_memory_measure_their_messages(int size) => World.Run(size, group =>
    {
        PairMeasurements measured = group.MeasurePairsAsync(new PairOptions { Bytes = 64 << 10, Copies = 2, Samples = 3, RoundTrips = 10 }).GetAwaiter().GetResult();

        Assert.Equal(group.WorldSize * (group.WorldSize - 1), measured.Pairs.Count);
        Assert.Equal(measured.Pairs.Select(pair => (pair.From, pair.To)).Order(), measured.Pairs.Select(pair => (pair.From, pair.To)));
        Assert.All(measured.Pairs, pair => Assert.True(pair is { Transport: PairTransport.Host, GigabytesPerSecond: > 0, LatencyMicroseconds: > 0, WrongBytes: 0, Objection: null }, pair.ToString()));
        Assert.Null(measured.PeerObjection);
        Assert.Empty(measured.Warnings);
        double[] own = [.. measured.Pairs.Select(pair => pair.GigabytesPerSecond!.Value)], first = [.. own];
        group.Broadcast<double>(first, 0);
        Assert.Equal(own, first);
    });
}
