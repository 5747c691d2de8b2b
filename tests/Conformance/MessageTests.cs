using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance;

/// <summary>Send and receive, as <see cref="IHostCommunicator"/> promises them of every transport.</summary>
public sealed unsafe class MessageTests
{
    public static TheoryData<int> Sizes => World.IsLaunched ? [World.Launch.WorldSize] : [2, 3, 5];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Messages_of_every_length_arrive_whole(int ranks) => World.Run(ranks, group =>
    {
        int[] lengths = [0, 1, 7, 1000, 8191, 8192, 8193, 100_000, 1_250_000];
        for (int from = 0; from < ranks; from++)
        {
            int to = (from + 1) % ranks;
            foreach (int length in lengths)
            {
                if (group.RankInGroup == from)
                    Send(group, Values(length, from), to, length);
                if (group.RankInGroup == to)
                    AssertReceived(group, from, length, Values(length, from));
            }
        }
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_receive_takes_the_message_with_its_tag_whatever_came_before(int ranks) => World.Run(ranks, group =>
    {
        const int Tags = 20;
        if (group.RankInGroup == 0)
        {
            for (int tag = 0; tag < Tags; tag++)
                Send(group, Values(10 + tag, tag), 1, tag == 3 ? int.MaxValue : tag);
        }

        if (group.RankInGroup == 1)
        {
            for (int tag = Tags - 1; tag >= 0; tag--)
                AssertReceived(group, 0, tag == 3 ? int.MaxValue : tag, Values(10 + tag, tag));
        }
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Messages_of_a_pair_with_one_tag_keep_their_order_short_or_long(int ranks) => World.Run(ranks, group =>
    {
        Random random = new(World.Seed);
        int[] lengths = [.. Enumerable.Range(0, 40).Select(_ => random.Next(4) == 0 ? random.Next(60_000) : random.Next(100))];
        for (int message = 0; message < lengths.Length; message++)
        {
            if (group.RankInGroup == ranks - 1)
                Send(group, Values(lengths[message], message), 0, 5);
            if (group.RankInGroup == 0)
                AssertReceived(group, ranks - 1, message % 2 == 0 ? 5 : HostMessage.Any, Values(lengths[message], message));
        }
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_receive_from_any_rank_tells_who_sent_what(int ranks) => World.Run(ranks, group =>
    {
        const int Rounds = 10;
        if (group.RankInGroup != 0)
        {
            for (int round = 0; round < Rounds; round++)
                Send(group, Values(round % 3 == 0 ? 20_000 : 5, group.RankInGroup), 0, (100 * group.RankInGroup) + round);
            return;
        }

        int[] seen = new int[ranks];
        float[] buffer = new float[20_000];
        for (int i = 0; i < Rounds * (ranks - 1); i++)
        {
            HostMessage message = Receive(group, buffer, HostMessage.Any, HostMessage.Any);
            Assert.Equal((100 * message.Source) + seen[message.Source]++, message.Tag);
            Assert.Equal(Values((int)message.Count, message.Source), buffer[..(int)message.Count]);
        }

        Assert.All(seen.Skip(1), count => Assert.Equal(Rounds, count));
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Very_many_unread_messages_wait_for_their_receiver_while_collectives_go_on(int ranks) => World.Run(ranks, group =>
    {
        const int Messages = 3000;
        for (int i = 0; i < Messages && group.RankInGroup == 0; i++)
            Send(group, [i, i + 1], 1, i % 7);
        group.Barrier();
        for (int tag = 0; tag < 7 && group.RankInGroup == 1; tag++)
        {
            for (int i = tag; i < Messages; i += 7)
                AssertReceived(group, 0, tag, [i, i + 1]);
        }

        group.Barrier();
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_short_message_to_a_rank_that_does_not_receive_yet_returns_at_once(int ranks) => World.Run(ranks, group =>
    {
        const int Length = HostMessage.EagerBytes / sizeof(float);
        if (group.RankInGroup == 0)
            Send(group, Values(Length, 1), 1, 0);
        group.Barrier();
        if (group.RankInGroup == 1)
            AssertReceived(group, 0, 0, Values(Length, 1));
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Long_messages_go_round_a_ring(int ranks) => World.Run(ranks, group =>
    {
        int next = (group.RankInGroup + 1) % ranks, previous = (group.RankInGroup + ranks - 1) % ranks;
        float[] mine = Values(300_000, group.RankInGroup), got = new float[mine.Length];
        for (int hop = 1; hop <= ranks; hop++)
        {
            HostMessage message;
            fixed (float* from = mine, to = got)
                message = group.HostCommunicator!.SendReceive((nint)from, (nuint)mine.Length, next, hop, (nint)to, (nuint)got.Length, previous, hop, DataType.Float32);
            Assert.Equal(new HostMessage(previous, hop, (nuint)got.Length), message);
            (mine, got) = (got, mine);
        }

        Assert.Equal(Values(300_000, group.RankInGroup), mine);
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_message_that_is_too_long_or_of_another_type_ends_the_group_on_all_ranks(int ranks) => World.Run(ranks, group =>
    {
        foreach (bool tooLong in (ReadOnlySpan<bool>)[true, false])
        {
            GroupCoordinator pair = group.NewGroupAsync(group.Ranks).GetAwaiter().GetResult();
            if (pair.RankInGroup == 0)
                Send(pair, Values(11, 0), 1, 9);
            CallMismatchException mismatch = Assert.Throws<CallMismatchException>(() =>
            {
                if (pair.RankInGroup == 1)
                {
                    byte[] room = new byte[40];
                    fixed (byte* to = room)
                        pair.HostCommunicator!.Receive((nint)to, tooLong ? 10u : 40u, tooLong ? DataType.Float32 : DataType.Int8, 0, 9);
                }

                pair.Barrier();
            });
            if (pair.RankInGroup == 1)
                Assert.Contains("11 × Float32", mismatch.Message, StringComparison.Ordinal);
            pair.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        group.Barrier();
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_message_that_nobody_sends_is_a_silent_peer_at_the_deadline(int ranks) => World.Run(ranks, group =>
    {
        GroupCoordinator other = group.NewGroupAsync(group.Ranks).GetAwaiter().GetResult();
        PeerLostException lost;
        if (group.RankInGroup == 1)
        {
            lost = Assert.Throws<PeerLostException>(() => Receive(other, new float[1], 0, 0, new HostCallOptions { Timeout = TimeSpan.FromMilliseconds(200) }));
            group.Barrier();
        }
        else
        {
            group.Barrier();
            lost = Assert.Throws<PeerLostException>(() => other.Barrier());
        }

        Assert.Equal((PeerLossReason.Silent, 0), (lost.Reason, lost.Rank));
        other.DisposeAsync().AsTask().GetAwaiter().GetResult();
        group.Barrier();
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void What_was_sent_before_a_rank_left_can_still_be_received_and_then_it_has_left(int ranks) => World.Run(ranks, group =>
    {
        GroupCoordinator other = group.NewGroupAsync(group.Ranks).GetAwaiter().GetResult();
        if (other.RankInGroup == 0)
            Send(other, Values(5000, 3), 1, 0);
        if (other.RankInGroup == 1)
        {
            AssertReceived(other, 0, 0, Values(5000, 3));
            PeerLostException lost = Assert.Throws<PeerLostException>(() => Receive(other, new float[1], 0, 0));
            Assert.Equal((PeerLossReason.Left, 0), (lost.Reason, lost.Rank));
        }

        other.DisposeAsync().AsTask().GetAwaiter().GetResult();
        group.Barrier();
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Messages_allocate_nothing(int ranks) => World.Run(ranks, group =>
    {
        float[] small = new float[16], large = new float[20_000], got = new float[20_000];
        int next = (group.RankInGroup + 1) % ranks, previous = (group.RankInGroup + ranks - 1) % ranks;
        for (int i = 0; i < 50; i++)
            Calls();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
            Calls();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Calls()
        {
            Send(group, small, next, 1);
            Receive(group, got, HostMessage.Any, 1);
            fixed (float* from = large, to = got)
                group.HostCommunicator!.SendReceive((nint)from, (nuint)large.Length, next, 2, (nint)to, (nuint)got.Length, previous, 2, DataType.Float32);
        }
    });

    private static float[] Values(int length, int seed)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = (seed * 1000) + (i % 977);
        return values;
    }

    private static void Send(GroupCoordinator group, float[] values, int destination, int tag)
    {
        fixed (float* data = values)
            group.HostCommunicator!.Send((nint)data, (nuint)values.Length, DataType.Float32, destination, tag);
    }

    private static HostMessage Receive(GroupCoordinator group, float[] buffer, int source, int tag, HostCallOptions options = default)
    {
        fixed (float* data = buffer)
            return group.HostCommunicator!.Receive((nint)data, (nuint)buffer.Length, DataType.Float32, source, tag, options);
    }

    private static void AssertReceived(GroupCoordinator group, int source, int tag, float[] expected)
    {
        float[] buffer = new float[expected.Length];
        HostMessage message = Receive(group, buffer, source, tag);
        Assert.Equal((source, (nuint)expected.Length), (message.Source, message.Count));
        Assert.True(buffer.AsSpan().SequenceEqual(expected), $"tag {tag} of rank {source}: the content differs.");
    }
}
