using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class PointToPointTests
{
    private static readonly int[] s_lengths = [0, 1, 511, 70_001];

    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void Messages_arrive_whole_between_every_pair(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        foreach (int length in s_lengths)
        {
            using DeviceBuffer<int> sent = rank.Buffer<int>(Message(length, rank.Rank)), received = rank.Device.Allocate<int>((nuint)(length * ranks));
            rank.Meet();
            for (int from = 0; from < ranks; from++)
            {
                for (int to = 0; to < ranks; to++)
                {
                    if (from == to)
                        continue;
                    if (rank.Rank == from)
                        rank.Group.Send(sent.Span, to, rank.Stream);
                    else if (rank.Rank == to)
                        rank.Group.Receive(received.Span.Slice((nuint)(from * length), (nuint)length), from, rank.Stream);
                }
            }

            rank.Meet();
            int[] all = received.ToArray();
            foreach (int from in Enumerable.Range(0, ranks).Where(from => from != rank.Rank))
                Assert.Equal(Message(length, from), all[(from * length)..((from + 1) * length)]);
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void A_batch_exchanges_with_all_peers_at_once_eager_and_replayed(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        const int Length = 5001;
        using DeviceBuffer<int> sent = rank.Device.Allocate<int>(Length), received = rank.Device.Allocate<int>((nuint)(Length * ranks));
        using (CudaGraph graph = rank.Capture(Exchange))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            rank.Meet();
            for (int round = 0; round < 4; round++)
            {
                sent.CopyFrom(Message(Length, rank.Rank + (100 * round)));
                if (round == 0)
                    Exchange();
                else
                    exec.Launch(rank.Stream);
                rank.Meet();
                int[] all = received.ToArray();
                foreach (int from in Enumerable.Range(0, ranks).Where(from => from != rank.Rank))
                    Assert.Equal(Message(Length, from + (100 * round)), all[(from * Length)..((from + 1) * Length)]);
            }
        }

        rank.Meet();

        void Exchange()
        {
            using DeviceBatch batch = rank.Group.DeviceBatch();
            for (int peer = 0; peer < ranks; peer++)
            {
                if (peer == rank.Rank)
                    continue;
                rank.Group.Send(sent.Span, peer, rank.Stream);
                rank.Group.Receive(received.Span.Slice((nuint)(peer * Length), Length), peer, rank.Stream);
            }
        }
    });

    private static int[] Message(int length, int from) => [.. Enumerable.Range(0, length).Select(i => unchecked((i * 7919) + (from * 104_729)))];
}
