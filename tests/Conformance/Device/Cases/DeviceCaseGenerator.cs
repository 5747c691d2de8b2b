using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>The cases of one collective and element type, from a seed: every operation with every count; every count in and out of place, aligned and not; a few megabytes of some types.</summary>
internal static class DeviceCaseGenerator
{
    private const int PageBytes = 4096;
    private const int LargeBytes = 2 << 20;

    /// <summary>Those that leave something to compare.</summary>
    internal static IReadOnlyList<CollectiveKind> Collectives { get; } =
        [.. Enum.GetValues<CollectiveKind>().Except([CollectiveKind.None, CollectiveKind.AllReduceRmsNorm, CollectiveKind.Barrier, CollectiveKind.Send, CollectiveKind.Receive, CollectiveKind.AllocateHost])];

    internal static bool Reduces(CollectiveKind collective) => collective is CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.ReduceScatter;

    /// <param name="brief">A handful, for slow ways.</param>
    internal static List<DeviceCase> Make(CollectiveKind collective, DataType type, int ranks, int seed, bool brief = false)
    {
        Random random = new(unchecked((((seed * 31) + (int)type) * 31) + (int)collective));
        int page = PageBytes / type.SizeInBytes();
        int[] counts = brief ? [1, page + 1] : [0, 1, 7, page, page + 1];
        bool[] both = [false, true];
        bool hasPlace = collective is not (CollectiveKind.AllToAll or CollectiveKind.AllToAllV or CollectiveKind.SendReceive or CollectiveKind.Broadcast);
        ReduceOp[] operations = Reduces(collective) ? Enum.GetValues<ReduceOp>() : [default];
        List<DeviceCase> cases = [];
        if (Reduces(collective))
        {
            foreach (ReduceOp op in operations)
                Array.ForEach(counts, count => Add(op, count, hasPlace && random.Next(2) == 0, random.Next(2) == 0));

            // A group of one has nothing to multiply for: it copies.
            for (int i = 0; i < counts.Length && ranks > 1; i++)
                Add(ReduceOp.Sum, counts[i], random.Next(2) == 0, random.Next(2) == 0, scaled: true);
        }

        foreach (int count in counts)
        {
            foreach (bool inPlace in hasPlace ? both : [false])
                Array.ForEach(both, misaligned => Add(operations[random.Next(operations.Length)], count, inPlace, misaligned));
        }

        if (!brief && type is DataType.Float32 or DataType.BFloat16)
            Add(operations[0], (LargeBytes / type.SizeInBytes() / ranks) + 3, hasPlace && random.Next(2) == 0, random.Next(2) == 0);
        return cases;

        void Add(ReduceOp op, int count, bool inPlace, bool misaligned, bool scaled = false)
        {
            bool varied = collective == CollectiveKind.AllToAllV || (collective is CollectiveKind.AllGather or CollectiveKind.ReduceScatter && random.Next(3) == 0);
            bool untyped = !varied && collective is CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.Broadcast or CollectiveKind.AllGather or CollectiveKind.ReduceScatter && random.Next(3) == 0;
            cases.Add(new(new Case(collective, type, op, count, inPlace, Root: cases.Count % ranks, varied, misaligned ? random.Next(1, 16) : 0, random.Next()), scaled, untyped));
        }
    }
}
