using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance;

public sealed class CollectiveTests
{
    public static MatrixTheoryData<int, DataType> SizesAndTypes => new([.. World.Sizes.Select(row => row.Data)], Enum.GetValues<DataType>());

    [Theory]
    [MemberData(nameof(SizesAndTypes))]
    public void AllReduce_is_the_fold_in_rank_order_bit_by_bit(int ranks, DataType type) =>
        Dispatch(ranks, type, (group, run) => run(CaseGenerator.AllReduce(type, World.Seed)));

    [Theory]
    [MemberData(nameof(SizesAndTypes))]
    public void Broadcast_copies_the_roots_bits_to_all(int ranks, DataType type) =>
        Dispatch(ranks, type, (group, run) => run(CaseGenerator.Broadcast(type, group.WorldSize, World.Seed)));

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Mixed_calls_of_all_kinds_follow_each_other_in_any_order(int ranks) => World.Run(ranks, group =>
    {
        Random random = new(World.Seed);
        CaseRunner<float> floats = new(group);
        CaseRunner<BFloat16> halves = new(group);
        CaseRunner<long> longs = new(group);
        Case[] all =
        [
            .. CaseGenerator.AllReduce(DataType.Float32, World.Seed + 1),
            .. CaseGenerator.AllReduce(DataType.BFloat16, World.Seed + 1),
            .. CaseGenerator.AllReduce(DataType.Int64, World.Seed + 1),
            .. CaseGenerator.Broadcast(DataType.Float32, group.WorldSize, World.Seed + 1),
            .. CaseGenerator.Broadcast(DataType.Int64, group.WorldSize, World.Seed + 1),
        ];
        random.Shuffle(all);
        foreach (Case test in all)
        {
            if (random.Next(5) == 0)
                group.Barrier();
            if (test.Type == DataType.Float32)
                floats.Run([test]);
            else if (test.Type == DataType.BFloat16)
                halves.Run([test]);
            else
                longs.Run([test]);
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Back_to_back_calls_never_mix_their_data(int ranks) => World.Run(ranks, group =>
    {
        int[] lengths = [1, 1000, 20_000, 4096];
        int[] values = new int[lengths.Max()];
        for (int round = 0; round < 2000; round++)
        {
            Span<int> part = values.AsSpan(0, lengths[round % lengths.Length]);
            part.Fill((round * 1000) + group.RankInGroup);
            group.AllReduce<int>(part, part);
            int expected = (round * 1000 * group.WorldSize) + (group.WorldSize * (group.WorldSize - 1) / 2);
            if (part.ContainsAnyExcept(expected))
                Assert.Fail($"Round {round}, {part.Length} elements, rank {group.Rank}: expected {expected} everywhere.");
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void A_call_allocates_nothing(int ranks) => World.Run(ranks, group =>
    {
        float[] small = new float[16], large = new float[50_000];
        for (int i = 0; i < 50; i++)
            Calls();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Calls();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Calls()
        {
            group.AllReduce<float>(small, small);
            group.AllReduce<float>(large, large, ReduceOp.Max);
            group.Broadcast<float>(large, group.WorldSize - 1);
            group.Barrier();
        }
    });

    private static void Dispatch(int ranks, DataType type, Action<GroupCoordinator, Action<IEnumerable<Case>>> body) => World.Run(ranks, group =>
    {
        Action<IEnumerable<Case>> run = type switch
        {
            DataType.Int8 => new CaseRunner<sbyte>(group).Run,
            DataType.UInt8 => new CaseRunner<byte>(group).Run,
            DataType.Int32 => new CaseRunner<int>(group).Run,
            DataType.UInt32 => new CaseRunner<uint>(group).Run,
            DataType.Int64 => new CaseRunner<long>(group).Run,
            DataType.UInt64 => new CaseRunner<ulong>(group).Run,
            DataType.Float16 => new CaseRunner<Half>(group).Run,
            DataType.Float32 => new CaseRunner<float>(group).Run,
            DataType.Float64 => new CaseRunner<double>(group).Run,
            DataType.BFloat16 => new CaseRunner<BFloat16>(group).Run,
            DataType.Float8E4M3 => new CaseRunner<Float8E4M3>(group).Run,
            DataType.Float8E5M2 => new CaseRunner<Float8E5M2>(group).Run,
            _ => throw new NotSupportedException(type.ToString()),
        };
        body(group, run);
    });
}
