using Xunit;

namespace CollectivesSharp.Conformance;

public sealed class PointToPointTests
{
    private static readonly int[] s_lengths = [0, 1, 7, 500, 512, 513, 8192, 8193, 100_000, 1_300_000];

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Messages_of_every_length_arrive_whole_between_every_pair(int ranks) => World.Run(ranks, group =>
    {
        int[] buffer = new int[s_lengths.Max()];
        foreach (int length in s_lengths)
        {
            for (int from = 0; from < ranks; from++)
            {
                // Everybody receives from one sender, which serves them in the opposite order of their ranks.
                for (int to = ranks - 1; to >= 0; to--)
                {
                    if (from == to)
                        continue;
                    if (group.RankInGroup == from)
                    {
                        Fill(buffer.AsSpan(0, length), from, to, length);
                        group.Send<int>(buffer.AsSpan(0, length), to, tag: length);
                    }
                    else if (group.RankInGroup == to)
                    {
                        buffer.AsSpan().Clear();
                        HostMessage message = group.Receive<int>(buffer, from, tag: length);
                        Assert.Equal(new HostMessage(from, length, (nuint)length), message);
                        Check(buffer.AsSpan(0, length), from, to, length);
                    }
                }
            }
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Tags_are_received_in_any_order_and_messages_of_one_tag_in_theirs(int ranks) => World.Run(ranks, group =>
    {
        const int Tags = 5, Messages = 20;
        if (ranks == 1)
            return;
        if (group.RankInGroup != 0)
        {
            for (int i = 0; i < Tags * Messages; i++)
                group.Send<long>([i / Tags, group.RankInGroup], 0, tag: i % Tags);
            return;
        }

        long[] value = new long[2];
        for (int tag = Tags - 1; tag >= 0; tag--)
        {
            for (int i = 0; i < Messages; i++)
            {
                for (int rank = ranks - 1; rank > 0; rank--)
                {
                    group.Receive<long>(value, rank, tag);
                    Assert.Equal([i, rank], value);
                }
            }
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Any_source_and_any_tag_take_every_message_once(int ranks) => World.Run(ranks, group =>
    {
        if (ranks == 1)
            return;
        int[] lengths = [3, 20_000, 1];
        int[] buffer = new int[20_000];
        if (group.RankInGroup != 0)
        {
            for (int i = 0; i < lengths.Length; i++)
            {
                Fill(buffer.AsSpan(0, lengths[i]), group.RankInGroup, 0, i);
                group.Send<int>(buffer.AsSpan(0, lengths[i]), 0, tag: (100 * group.RankInGroup) + i);
            }

            return;
        }

        HashSet<int> seen = [];
        int[] last = [.. Enumerable.Repeat(-1, ranks)];
        for (int i = 0; i < lengths.Length * (ranks - 1); i++)
        {
            HostMessage message = group.Receive<int>(buffer, HostMessage.Any, HostMessage.Any);
            int index = message.Tag % 100;
            Assert.Equal(message.Source, message.Tag / 100);
            Assert.Equal((nuint)lengths[index], message.Count);
            Check(buffer.AsSpan(0, lengths[index]), message.Source, 0, index);
            Assert.True(seen.Add(message.Tag), $"message {message.Tag} came twice");
            Assert.Equal(last[message.Source] + 1, index);
            last[message.Source] = index;
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void A_ring_of_exchanges_moves_long_messages_without_waiting_in_a_circle(int ranks) => World.Run(ranks, group =>
    {
        int next = (group.RankInGroup + 1) % ranks, previous = (group.RankInGroup + ranks - 1) % ranks;
        int[] sent = new int[700_000], received = new int[700_001];
        for (int round = 0; round < 3; round++)
        {
            int length = sent.Length / (1 + (round * 50));
            Fill(sent.AsSpan(0, length), group.RankInGroup, next, round);
            HostMessage message = group.SendReceive<int>(sent.AsSpan(0, length), next, received, previous, tag: round);
            Assert.Equal(new HostMessage(previous, round, (nuint)length), message);
            Check(received.AsSpan(0, length), previous, group.RankInGroup, round);
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void Messages_that_nobody_has_asked_for_yet_pass_collectives_by(int ranks) => World.Run(ranks, group =>
    {
        int next = (group.RankInGroup + 1) % ranks, previous = (group.RankInGroup + ranks - 1) % ranks;
        if (ranks == 1)
            return;
        for (int round = 0; round < 50; round++)
        {
            group.Send<int>([round, group.RankInGroup], next, tag: 1);
            int[] sum = [1];
            group.AllReduce<int>(sum, sum);
            Assert.Equal(ranks, sum[0]);
            float[] many = new float[30_000];
            Array.Fill(many, 1);
            group.AllReduce<float>(many, many);
            Assert.DoesNotContain(many, value => value != ranks);
            int[] message = new int[2];
            group.Receive<int>(message, previous, tag: 1);
            Assert.Equal([round, previous], message);
        }
    });

    [Theory]
    [MemberData(nameof(World.Sizes), MemberType = typeof(World))]
    public void A_message_allocates_nothing(int ranks) => World.Run(ranks, group =>
    {
        int next = (group.RankInGroup + 1) % ranks, previous = (group.RankInGroup + ranks - 1) % ranks;
        float[] small = new float[16], large = new float[50_000], received = new float[50_000];
        if (ranks == 1)
            return;
        Calls();
        Calls();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
            Calls();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Calls()
        {
            group.Send<float>(small, next);
            group.Receive<float>(received, previous);
            group.SendReceive<float>(large, next, received, previous);
            group.Barrier();
        }
    });

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

    private static void Fill(Span<int> buffer, int from, int to, int salt)
    {
        for (int i = 0; i < buffer.Length; i++)
            buffer[i] = Value(i, from, to, salt);
    }

    private static void Check(ReadOnlySpan<int> buffer, int from, int to, int salt)
    {
        for (int i = 0; i < buffer.Length; i++)
        {
            if (buffer[i] != Value(i, from, to, salt))
                Assert.Fail($"{buffer.Length} elements from rank {from} to rank {to}: element {i} is {buffer[i]}, expected {Value(i, from, to, salt)}.");
        }
    }

    private static int Value(int index, int from, int to, int salt) => unchecked((index * 7919) + (from * 31) + (to * 17) + salt);
}
