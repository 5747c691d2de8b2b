using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class RegistrationTests
{
    private static readonly DataType[] s_types = [DataType.Float32, DataType.BFloat16, DataType.UInt8];
    private static readonly CollectiveKind[] s_collectives = [CollectiveKind.AllReduce, CollectiveKind.AllGather, CollectiveKind.ReduceScatter, CollectiveKind.Broadcast, CollectiveKind.AllToAll];

    public static MatrixTheoryData<RegistrationKind, int> KindsAndSizes => new(
        [RegistrationKind.Local, RegistrationKind.Symmetric],
        [.. DeviceWorld.FewSizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(KindsAndSizes))]
    public void Registered_memory_gives_the_same_results_eager_and_replayed(RegistrationKind kind, int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        if (!Has(rank, kind))
            return;
        for (int i = 0; i < s_collectives.Length * s_types.Length; i++)
        {
            (CollectiveKind collective, DataType type) = (s_collectives[i % s_collectives.Length], s_types[i / s_collectives.Length]);
            List<DeviceCase> cases = DeviceCaseGenerator.Make(collective, type, rank.Size, World.Seed + 2, rank.IsBrief);
            if (kind == RegistrationKind.Symmetric)
                cases.RemoveAll(item => !BeginsAtWords(item, collective, type));

            // A window wants memory that other processes can map; the other kind takes any.
            DeviceRunner runner = DeviceRunner.Of(rank, type, kind == RegistrationKind.Symmetric || i % 2 == 0 ? DeviceMemoryKind.Shareable : DeviceMemoryKind.Plain, kind);
            if (type == s_types[0])
                runner.Eager(cases);
            runner.Captured(cases);
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
            if (!Has(rank, kind))
                return;
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
    [MemberData(nameof(KindsAndSizes))]
    public void An_NCCL_that_is_too_old_for_a_kind_is_named_on_every_rank(RegistrationKind kind, int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        if (Has(rank, kind))
            return;
        using DeviceBuffer<int> buffer = rank.Device.Allocate<int>(10, DeviceMemoryKind.Shareable);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => rank.Group.Register(buffer.Span, kind));
        Assert.Contains($"{(kind == RegistrationKind.Local ? "2.19.1" : "2.27.3")} or newer is needed", refused.Message, StringComparison.Ordinal);
        Assert.False(rank.Group.IsFaulted);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Windows_are_refused_where_NCCL_writes_wrong_elements_and_the_group_goes_on(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        if (!Has(rank, RegistrationKind.Symmetric))
            return;
        using DeviceBuffer<BFloat16> buffer = rank.Device.Allocate<BFloat16>(1000, DeviceMemoryKind.Shareable);
        using (rank.Group.Register(buffer.Span))
        {
            DeviceSpan<BFloat16> odd = buffer.Span.Slice(1, 16), even = buffer.Span.Slice(2, 16);
            if (ranks > 1)
            {
                NotSupportedException refused = Assert.Throws<NotSupportedException>(() => rank.Group.Nccl!.AllReduce(odd.Pointer, odd.Pointer, odd.Length, DataType.BFloat16, ReduceOp.Sum, rank.Stream));
                Assert.Contains("each part begins at a multiple of 4 bytes", refused.Message, StringComparison.Ordinal);
                Assert.Throws<NotSupportedException>(() => rank.Group.Nccl!.AllGather(buffer.Pointer, buffer.Span.Slice(100).Pointer, 3, DataType.BFloat16, rank.Stream));
                Assert.Throws<NotSupportedException>(() => rank.Group.Nccl!.ReduceScatter(buffer.Pointer, buffer.Span.Slice(500).Pointer, 3, DataType.BFloat16, ReduceOp.Sum, rank.Stream));
            }

            rank.Group.AllReduce(even, even, ReduceOp.Sum, rank.Stream);
            rank.Meet();
        }

        rank.Group.AllReduce(buffer.Span.Slice(1, 16), buffer.Span.Slice(1, 16), ReduceOp.Sum, rank.Stream);
        rank.Meet();
    });

    /// <summary>See the test above: the offset and, where there are several, each part.</summary>
    private static bool BeginsAtWords(DeviceCase item, CollectiveKind collective, DataType type)
    {
        int size = type.SizeInBytes();
        bool parted = collective is CollectiveKind.AllGather or CollectiveKind.ReduceScatter;
        return item.Test.Misalignment * size % sizeof(int) == 0 && (!parted || item.Test.Count * size % sizeof(int) == 0);
    }

    private static bool Has(DeviceRank rank, RegistrationKind kind) => rank.Group.Nccl is not { Version: var version } || version >= (kind == RegistrationKind.Local ? 21901 : 22703);
}
