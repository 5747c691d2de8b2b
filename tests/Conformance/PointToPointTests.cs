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
