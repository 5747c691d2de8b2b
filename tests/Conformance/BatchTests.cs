using Xunit;

namespace CollectivesSharp.Conformance;

public sealed class BatchTests
{
    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void A_batch_gives_the_bits_of_single_calls(int ranks) => World.Run(ranks, group =>
    {
        Random random = new(World.Seed + group.RankInGroup);
        using HostBatch batch = group.Batch();
        for (int round = 0; round < 3; round++)
        {
            float[][] floats = [.. Enumerable.Range(0, 20).Select(i => Enumerable.Range(0, i * 7).Select(_ => random.NextSingle()).ToArray())];
            long[] counters = [random.Next(), random.Next()];
            float[] parameters = [random.NextSingle(), 1, 2];
            float[][] expected = [.. floats.Select(values => (float[])values.Clone())];
            long[] expectedCounters = [.. counters];
            float[] expectedParameters = [.. parameters];
            foreach (float[] values in floats)
                batch.AllReduce<float>(values, values.Length % 2 == 0 ? ReduceOp.Sum : ReduceOp.Average);
            batch.AllReduce<long>(counters, ReduceOp.Max);
            batch.Broadcast<float>(parameters, ranks - 1);
            batch.Execute();
            Assert.Equal(0, batch.Count);

            foreach (float[] values in expected)
                group.AllReduce<float>(values, values, values.Length % 2 == 0 ? ReduceOp.Sum : ReduceOp.Average);
            group.AllReduce<long>(expectedCounters, expectedCounters, ReduceOp.Max);
            group.Broadcast<float>(expectedParameters, ranks - 1);
            Assert.Equal(expected, floats);
            Assert.Equal(expectedCounters, counters);
            Assert.Equal(expectedParameters, parameters);
        }
    });
}
