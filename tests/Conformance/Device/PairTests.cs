using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class PairTests
{
    private static readonly PairOptions s_options = new() { Bytes = 256 << 10, Copies = 2, Samples = 3, RoundTrips = 20 };

    public static TheoryData<int> Sizes => DeviceWorld.FewSizes;

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_ordered_pair_of_GPUs_is_measured_and_its_copies_are_checked(int size) => DeviceWorld.Run(size, rank =>
    {
        GroupCoordinator group = rank.Group;
        rank.Meet();
        // Twice: flags and memory of the first time are none of the second.
        for (int time = 0; time < 2; time++)
        {
            PairMeasurements measured = group.MeasurePairsAsync(s_options).GetAwaiter().GetResult();

            Assert.Equal(rank.Size * (rank.Size - 1), measured.Pairs.Count);
            Assert.Equal(s_options.Bytes, measured.Bytes);
            foreach (PairMeasurement pair in measured.Pairs)
            {
                bool isNear = group.Members[pair.From].NodeId == group.Members[pair.To].NodeId;
                Assert.Equal(isNear && measured.PeerObjection is null ? PairTransport.PeerMemory : PairTransport.Nccl, pair.Transport);
                Assert.Equal(0, pair.WrongBytes);
                Assert.True(pair.GigabytesPerSecond > 0, measured.ToString());
                if (pair.Transport == PairTransport.PeerMemory && !HasCompiler())
                    Assert.StartsWith("no latency: ", pair.Objection, StringComparison.Ordinal);
                else
                    Assert.True(pair.LatencyMicroseconds > 0 && pair.Objection is null, measured.ToString());
            }

            AssertEqualOnAll(group, measured.ToString());
        }
    });

    [Fact]
    public void Options_that_differ_are_refused_on_all_ranks_and_the_group_lives_on() => DeviceWorld.Run(World.IsLaunched ? World.Launch.WorldSize : 2, rank =>
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() =>
            rank.Group.MeasurePairsAsync(s_options with { Copies = rank.Rank == 1 ? 3 : 2 }).GetAwaiter().GetResult());

        Assert.Contains("rank 1 measures 262144 bytes × 3 copies", refused.Message, StringComparison.Ordinal);
        rank.Group.Barrier();
    });

    private static bool HasCompiler()
    {
        try
        {
            return KernelCompiler.Version.Length > 0;
        }
        catch (NativeLibraryNotFoundException)
        {
            return false;
        }
    }

    private static void AssertEqualOnAll(GroupCoordinator group, string text)
    {
        byte[] first = System.Text.Encoding.UTF8.GetBytes(text.PadRight(8192));
        byte[] own = [.. first];
        group.Broadcast<byte>(first, 0);
        Assert.Equal(own, first);
    }
}
