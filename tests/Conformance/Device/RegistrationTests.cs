using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class RegistrationTests
{
    private const int WindowsSince = 22703;
    private static readonly DataType[] s_types = [DataType.Float32, DataType.BFloat16, DataType.Int32];
    private static readonly CollectiveKind[] s_collectives = [CollectiveKind.AllReduce, CollectiveKind.AllGather, CollectiveKind.ReduceScatter, CollectiveKind.Broadcast, CollectiveKind.AllToAll];

    public static MatrixTheoryData<RegistrationKind, DeviceMemoryKind, int> KindsAndSizes => new(
        [RegistrationKind.Local, RegistrationKind.Symmetric],
        [DeviceMemoryKind.Plain, DeviceMemoryKind.Shareable],
        [.. DeviceWorld.FewSizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(KindsAndSizes))]
    public void Registered_memory_gives_the_same_results_eager_and_replayed(RegistrationKind kind, DeviceMemoryKind memory, int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        // A window wants memory that other processes can map; what it does without is not promised.
        if (!Has(rank, kind) || (kind == RegistrationKind.Symmetric && memory == DeviceMemoryKind.Plain))
            return;
        foreach (CollectiveKind collective in s_collectives)
        {
            foreach (DataType type in s_types)
            {
                List<DeviceCase> cases = DeviceCaseGenerator.Make(collective, type, rank.Size, World.Seed + 2, rank.IsSlow);
                DeviceRunner runner = DeviceRunner.Of(rank, type, memory, kind);
                runner.Eager(cases);
                runner.Captured(cases);
            }
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Memory_is_registered_given_back_and_registered_again(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<int> buffer = rank.Device.Allocate<int>(100_000, DeviceMemoryKind.Shareable);
        int[] content = new int[100_000];
        int[] ids = new int[4], most = new int[4];
        for (int round = 0; round < 4; round++)
        {
            RegistrationKind kind = round % 2 == 0 || !Has(rank, RegistrationKind.Symmetric) ? RegistrationKind.Local : RegistrationKind.Symmetric;
            rank.Meet();
            using (RegisteredBuffer known = rank.Group.Register(buffer.Span, kind))
            {
                Assert.Equal((buffer.Pointer, (nuint)400_000, kind), (known.Pointer, known.LengthInBytes, known.Kind));
                ids[round] = known.Id;
                Reduce(round);
            }

            Reduce(round + 10);
        }

        rank.Group.AllReduce<int>(ids, most, ReduceOp.Max);
        Assert.Equal(most, ids);
        Assert.Equal(4, ids.Distinct().Count());

        void Reduce(int value)
        {
            Array.Fill(content, value + rank.Rank);
            buffer.CopyFrom(content);
            rank.Group.AllReduce(buffer.Span, buffer.Span, ReduceOp.Sum, rank.Stream);
            rank.Meet();
            buffer.CopyTo(content);
            Assert.False(content.AsSpan().ContainsAnyExcept((value * ranks) + (ranks * (ranks - 1) / 2)), $"registered or not, the sum is wrong for {value}");
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_window_is_refused_on_every_rank_by_an_NCCL_that_has_none(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        if (Has(rank, RegistrationKind.Symmetric))
            return;
        using DeviceBuffer<int> buffer = rank.Device.Allocate<int>(10, DeviceMemoryKind.Shareable);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => rank.Group.Register(buffer.Span));
        Assert.Contains("2.27.3 or newer is needed", refused.Message, StringComparison.Ordinal);
        Assert.False(rank.Group.IsFaulted);
    });

    private static bool Has(DeviceRank rank, RegistrationKind kind) => kind == RegistrationKind.Local || rank.Group.DeviceCommunicator is not NcclCommunicator { Version: < WindowsSince };
}
