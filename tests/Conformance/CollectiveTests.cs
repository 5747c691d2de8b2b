using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance;

public sealed class CollectiveTests
{
    /// <summary>Those that leave something to compare.</summary>
    private static readonly CollectiveKind[] s_kinds = [.. Enum.GetValues<CollectiveKind>().Except([CollectiveKind.None, CollectiveKind.AllReduceRmsNorm, CollectiveKind.Barrier, CollectiveKind.Send, CollectiveKind.Receive, CollectiveKind.SendReceive, CollectiveKind.AllocateHost])];

    public static MatrixTheoryData<CollectiveKind, int> CollectivesAndSizes => new(
        [.. s_kinds],
        [.. World.Sizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(CollectivesAndSizes))]
    public void Every_element_of_every_type_is_what_the_definition_says(CollectiveKind collective, int ranks) => World.Run(ranks, group =>
    {
        foreach (DataType type in Enum.GetValues<DataType>())
            Runner(group, type)(CaseGenerator.Make(collective, type, group.WorldSize, World.Seed));
    });

    [Theory]
    [MemberData(nameof(CollectivesAndSizes))]
    public void Memory_of_the_group_holds_any_of_the_buffers(CollectiveKind collective, int ranks) => World.Run(ranks, group =>
    {
        foreach (DataType type in (DataType[])[DataType.UInt8, DataType.BFloat16, DataType.Float32, DataType.Int64])
        {
            // Several rounds over other seeds: a case's seed says too which buffers lie there.
            Case[] cases = [.. Enumerable.Range(10, 3).SelectMany(seed => CaseGenerator.Make(collective, type, group.WorldSize, World.Seed + seed))];
            using GroupMemory memory = new(group, cases);
            Runner(group, type, memory)(cases);
        }
    });

    [Theory]
    [MemberData(nameof(World.LargeSizes), MemberType = typeof(World))]
    public void Many_ranks_do_what_few_do(int ranks) => World.Run(ranks, group =>
    {
        Random random = new(World.Seed + 2);
        foreach (CollectiveKind collective in s_kinds)
        {
            // Three cases of each, drawn by the seed: every rank makes the inputs of all, 4,096 of them a case.
            Case[] cases = [.. CaseGenerator.Make(collective, DataType.Float32, group.WorldSize, World.Seed + 2)];
            random.Shuffle(cases);
            Runner(group, DataType.Float32)(cases.Take(3));
            Runner(group, DataType.BFloat16)(CaseGenerator.Make(collective, DataType.BFloat16, group.WorldSize, World.Seed + 3).Skip(1).Take(1));
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Mixed_calls_of_all_kinds_follow_each_other_in_any_order(int ranks) => World.Run(ranks, group =>
    {
        Random random = new(World.Seed);
        DataType[] types = [DataType.Float32, DataType.BFloat16, DataType.Int64];
        Case[] all = [.. types.SelectMany(type => CollectivesAndSizes.Select(row => row.Data.Item1).Distinct().SelectMany(collective => CaseGenerator.Make(collective, type, group.WorldSize, World.Seed + 1)))];
        random.Shuffle(all);
        using GroupMemory memory = new(group, all);
        Dictionary<DataType, Action<IEnumerable<Case>>[]> runners = types.ToDictionary(type => type, type => new[] { Runner(group, type), Runner(group, type, memory) });
        foreach (Case test in all)
        {
            if (random.Next(5) == 0)
                group.Barrier();
            runners[test.Type][random.Next(2)]([test]);
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
        float[] small = new float[16], large = new float[50_000], gathered = new float[16 * group.WorldSize], exchanged = new float[gathered.Length];
        nuint[] counts = [.. Enumerable.Repeat((nuint)16, group.WorldSize)];
        using HostBuffer<float> shared = group.AllocateHost<float>(50_000), result = group.AllocateHost<float>(50_000);
        int part = shared.Length / group.WorldSize, whole = part * group.WorldSize;
        Action[] calls =
        [
            () => group.AllReduce<float>(shared.Span, result.Span),
            () => group.AllGather<float>(shared.Span[..part], result.Span[..whole]),
            () => group.AllToAll<float>(shared.Span[..whole], result.Span[..whole]),
            () => group.AllReduce<float>(small, small),
            () => group.AllReduce<float>(large, large, ReduceOp.Max),
            () => group.Broadcast<float>(large, group.WorldSize - 1),
            () => group.Reduce<float>(large, large, 0),
            () => group.AllGather<float>(small, gathered),
            () => group.ReduceScatter<float>(gathered, small),
            () => group.Gather<float>(small, gathered, 0),
            () => group.Scatter<float>(gathered, small, 0),
            () => group.AllToAll<float>(gathered, gathered),
            () => group.AllToAllV<float>(gathered, counts, exchanged, counts),
            () => group.Barrier(),
        ];
        for (int i = 0; i < 50; i++)
            Array.ForEach(calls, call => call());
        for (int i = 0; i < 100; i++)
        {
            for (int call = 0; call < calls.Length; call++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                calls[call]();
                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated == 0, $"{allocated} bytes in call {call} of round {i}");
            }
        }
    });

    private static Action<IEnumerable<Case>> Runner(GroupCoordinator group, DataType type, GroupMemory? memory = null) => type switch
    {
        DataType.Int8 => new CaseRunner<sbyte>(group, memory).Run,
        DataType.UInt8 => new CaseRunner<byte>(group, memory).Run,
        DataType.Int32 => new CaseRunner<int>(group, memory).Run,
        DataType.UInt32 => new CaseRunner<uint>(group, memory).Run,
        DataType.Int64 => new CaseRunner<long>(group, memory).Run,
        DataType.UInt64 => new CaseRunner<ulong>(group, memory).Run,
        DataType.Float16 => new CaseRunner<Half>(group, memory).Run,
        DataType.Float32 => new CaseRunner<float>(group, memory).Run,
        DataType.Float64 => new CaseRunner<double>(group, memory).Run,
        DataType.BFloat16 => new CaseRunner<BFloat16>(group, memory).Run,
        DataType.Float8E4M3 => new CaseRunner<Float8E4M3>(group, memory).Run,
        DataType.Float8E5M2 => new CaseRunner<Float8E5M2>(group, memory).Run,
        _ => throw new NotSupportedException(type.ToString()),
    };
}
