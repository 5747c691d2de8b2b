using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class BatchTests
{
    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Several_collectives_in_a_batch_do_what_each_does_alone(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        using DeviceBuffer<float> sums = rank.Device.Allocate<float>(1000);
        using DeviceBuffer<int> own = rank.Device.Allocate<int>(3), maxima = rank.Device.Allocate<int>(3), gathered = rank.Device.Allocate<int>((nuint)(3 * ranks));
        using DeviceBuffer<BFloat16> parameters = rank.Device.Allocate<BFloat16>(77);
        rank.Group.Prepare([DataType.Int32], [ReduceOp.Max]);
        using (CudaGraph graph = rank.Capture(Calls))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            rank.Meet();
            for (int round = 0; round < 4; round++)
            {
                sums.CopyFrom([.. Enumerable.Range(0, 1000).Select(i => (float)(i + rank.Rank + round))]);
                own.CopyFrom([rank.Rank, -rank.Rank, round]);
                parameters.CopyFrom([.. Enumerable.Repeat((BFloat16)(float)(rank.Rank + round), 77)]);
                if (round == 0)
                    Calls();
                else
                    exec.Launch(rank.Stream);
                rank.Meet();
                Assert.Equal(Enumerable.Range(0, 1000).Select(i => (float)(((i + round) * ranks) + (ranks * (ranks - 1) / 2))), sums.ToArray());
                Assert.Equal([ranks - 1, 0, round], maxima.ToArray());
                Assert.All(parameters.ToArray(), value => Assert.Equal(ranks - 1 + round, (float)value));
                Assert.Equal(Enumerable.Range(0, ranks).SelectMany(from => new[] { from, -from, round }), gathered.ToArray());
            }
        }

        rank.Meet();

        void Calls()
        {
            using DeviceBatch batch = rank.Group.DeviceBatch();
            rank.Group.AllGather(own.Span, gathered.Span, rank.Stream);
            rank.Group.AllReduce(sums.Span, sums.Span, ReduceOp.Sum, rank.Stream);
            rank.Group.Broadcast(parameters.Span, ranks - 1, rank.Stream);
            using (DeviceBatch inner = rank.Group.DeviceBatch())
                rank.Group.AllReduce(own.Span, maxima.Span, ReduceOp.Max, rank.Stream);
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void One_batch_holds_calls_of_two_groups(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        GroupCoordinator reversed = rank.Group.NewGroupAsync([.. rank.Group.Ranks.Reverse()]).GetAwaiter().GetResult();
        using (DeviceBuffer<int> one = rank.Buffer(rank.Rank), two = rank.Buffer(rank.Rank))
        {
            rank.Meet();
            for (int round = 0; round < 3; round++)
            {
                using (DeviceBatch batch = rank.Group.DeviceBatch())
                {
                    rank.Group.Broadcast(one.Span, 0, rank.Stream);
                    reversed.Broadcast(two.Span, 0, rank.Stream);
                }

                rank.Meet();
                Assert.Equal([0, ranks - 1], [.. one.ToArray(), .. two.ToArray()]);
                one.CopyFrom([rank.Rank]);
                two.CopyFrom([rank.Rank]);
                rank.Group.Barrier();
            }
        }

        reversed.DisposeAsync().AsTask().GetAwaiter().GetResult();
    });
}
