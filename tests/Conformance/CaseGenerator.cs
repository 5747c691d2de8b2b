using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance;

/// <summary>The cases of one element type and group size, from a seed: every combination at telling counts, then random ones.</summary>
internal static class CaseGenerator
{
    private const int OneShotBytes = 16 << 10;
    private const int ChunkBytes = 32 << 10;

    internal static IEnumerable<Case> AllReduce(DataType type, int seed)
    {
        int size = type.SizeInBytes();
        Random random = new(HashCode(seed, type));
        int[] counts = [0, 1, 2, 3, 63, 65, (OneShotBytes / size) - 1, OneShotBytes / size, (OneShotBytes / size) + 1, (ChunkBytes / size) - 1, ChunkBytes / size, (ChunkBytes / size) + 1, (3 * ChunkBytes / size) + 17];
        foreach (ReduceOp op in Enum.GetValues<ReduceOp>())
        {
            foreach (int count in counts)
                yield return Make(op, count, random.Next(2) == 0);
            yield return Make(op, counts[random.Next(counts.Length)], inPlace: true);
            yield return Make(op, counts[random.Next(counts.Length)], inPlace: false);
        }

        for (int i = 0; i < 40; i++)
            yield return Make((ReduceOp)random.Next(5), (int)Math.Pow(2, random.NextDouble() * Math.Log2(5.0 * ChunkBytes / size)), random.Next(2) == 0);

        Case Make(ReduceOp op, int count, bool inPlace) =>
            new(CollectiveKind.AllReduce, type, op, count, inPlace, 0, random.Next(3) == 0 ? random.Next(64) : 0, random.Next());
    }

    internal static IEnumerable<Case> Broadcast(DataType type, int ranks, int seed)
    {
        int size = type.SizeInBytes();
        Random random = new(HashCode(seed, type) + 1);
        for (int root = 0; root < ranks; root++)
        {
            foreach (int count in new[] { 0, 1, 7, ChunkBytes / size, (2 * ChunkBytes / size) + 1, random.Next(1, 3 * ChunkBytes / size) })
                yield return new(CollectiveKind.Broadcast, type, default, count, true, root, random.Next(64), random.Next());
        }
    }

    private static int HashCode(int seed, DataType type) => unchecked((seed * 31) + (int)type);
}
