using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance;

/// <summary>The cases of one collective and element type, from a seed: telling counts crossed with operations and roots, then random ones.</summary>
internal static class CaseGenerator
{
    private const int OneShotBytes = 16 << 10;
    private const int ChunkBytes = 32 << 10;

    internal static IEnumerable<Case> Make(CollectiveKind collective, DataType type, int ranks, int seed)
    {
        int size = type.SizeInBytes();
        Random random = new(unchecked((((seed * 31) + (int)type) * 31) + (int)collective));
        bool rooted = collective is CollectiveKind.Broadcast or CollectiveKind.Reduce or CollectiveKind.Gather or CollectiveKind.Scatter;
        bool parted = collective is not (CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.Broadcast);

        // A staging area holds a chunk, twice as long for two ranks, or a part of one for each other rank: the counts around both.
        int chunk = ranks == 2 ? 2 * ChunkBytes : ChunkBytes;
        bool shared = collective is CollectiveKind.Scatter or CollectiveKind.AllToAll or CollectiveKind.AllToAllV or CollectiveKind.ReduceScatter;
        int unit = (shared ? chunk / Math.Max(ranks - 1, 1) / 64 * 64 : chunk) / size;
        int[] counts = collective == CollectiveKind.AllReduce
            ? [0, 1, 2, 3, 63, 65, (OneShotBytes / size) - 1, OneShotBytes / size, (OneShotBytes / size) + 1, unit - 1, unit, unit + 1, (3 * unit) + 17]
            : [0, 1, 7, unit, (2 * unit) + 1];
        ReduceOp[] operations = collective is CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.ReduceScatter ? Enum.GetValues<ReduceOp>() : [default];
        foreach (ReduceOp op in operations)
        {
            foreach (int count in counts)
                yield return One(op, count, rooted ? random.Next(ranks) : 0);
        }

        for (int root = 0; rooted && root < ranks; root++)
            yield return One(operations[random.Next(operations.Length)], random.Next(1, 1000), root);
        for (int i = 0; i < (collective == CollectiveKind.AllReduce ? 40 : 6); i++)
            yield return One(operations[random.Next(operations.Length)], (int)Math.Pow(2, random.NextDouble() * Math.Log2((parted ? 3.0 : 5.0) * unit)), rooted ? random.Next(ranks) : 0);

        // Results that pass the caches by.
        if (type == DataType.Int64 && collective is (CollectiveKind.AllGather or CollectiveKind.AllToAll))
            yield return One(default, (StreamingCopy.WorthwhileBytes / size / ranks) + 1, 0);

        Case One(ReduceOp op, int count, int root)
        {
            bool varied = collective == CollectiveKind.AllToAllV || (collective is CollectiveKind.AllGather or CollectiveKind.ReduceScatter && random.Next(2) == 0);
            bool inPlace = collective is CollectiveKind.Broadcast || (collective != CollectiveKind.AllToAllV && random.Next(2) == 0);
            return new(collective, type, op, count, inPlace, root, varied, random.Next(3) == 0 ? random.Next(64) : 0, random.Next());
        }
    }
}
