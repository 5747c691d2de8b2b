using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Groups that measure their routes, and groups that must keep bits.</summary>
public sealed class TuningTests
{
    private static readonly AllReduceTunerOptions s_brief = new() { Types = [DataType.Float32], MinBytes = 4096, MaxBytes = 64 << 10, Factor = 16, Rounds = 2, Calls = 2 };

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_tuned_group_goes_by_one_table_on_all_ranks_and_computes_right(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        AllReduceTunerResult result = group.TuneAllReduceAsync(s_brief).GetAwaiter().GetResult();
        Assert.Equal(2 * s_brief.Sizes().Count(), result.Timings.Count);
        foreach (AllReduceTiming row in result.Timings)
        {
            Assert.All(row.Routes, route => Assert.True(route.Microseconds > 0 != route.Objection is not null, $"{row.Bytes}: {route}"));
            Assert.Equal(row.Find(AllReduceRoute.Nccl)!.Microseconds is null, group.Nccl is null);
            Assert.Equal(row.Find(AllReduceRoute.NcclSymmetric)!.Microseconds is null, group.Nccl is not { Version: >= 22703 });
        }

        AgreeOn(group);
        CheckSums(rank, group);
        PeerGroup.Dispose(group);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Ranks_whose_tables_would_differ_take_the_first_ranks(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        RoutedDeviceCommunicator routed = (RoutedDeviceCommunicator)group.DeviceCommunicator!;
        AllReduceRoute own = rank.Rank == 0 ? AllReduceRoute.Windowed : AllReduceRoute.TwoShot;
        AllReduceTuning mine = new(rank.Size, [new(DataType.Float32, false, [new(1 << 20, own)]), new(DataType.Float32, true, [new(1 << 20, own)])]);
        group.TakeTuning(routed, mine);
        Assert.Equal(AllReduceRoute.Windowed, group.Route(new AllReduceRequest(1024, DataType.Float32, ReduceOp.Sum)).Route);
        AgreeOn(group);
        CheckSums(rank, group);
        PeerGroup.Dispose(group);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_cancellation_of_one_rank_ends_the_measurement_on_all_and_leaves_the_group_whole(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        using CancellationTokenSource source = new();
        if (rank.Rank == 1)
            source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => group.MeasureAllReduce(s_brief, null, source.Token));
        Assert.Throws<TimeoutException>(() => group.MeasureAllReduce(s_brief with { Timeout = TimeSpan.FromTicks(1) }));
        CheckSums(rank, group);
        PeerGroup.Dispose(group);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void A_route_whose_sums_are_wrong_on_one_rank_is_in_no_ranks_table(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        foreach (bool failing in (ReadOnlySpan<bool>)[false, true])
        {
            FailingCheck check = new(failing && rank.Rank == rank.Size - 1);
            AllReduceTunerResult result = group.TuneAllReduceAsync(s_brief with { Captured = false }, null, _ => check, CancellationToken.None).GetAwaiter().GetResult();
            foreach (AllReduceTiming row in result.Timings)
            {
                RouteTiming first = row.Routes.First(route => route.Objection is null);
                Assert.All(row.Routes, route => Assert.Equal(route.Objection is not null ? null : failing && route == first ? 3 : 0, route.Wrong));
                Assert.True(!failing || row.Best != first);
            }

            Assert.DoesNotContain(failing ? result.Timings[0].Routes.First(route => route.Objection is null).Route : AllReduceRoute.None, result.Tuning.Tables.SelectMany(table => table.Bands).Select(band => band.Route));
        }

        PeerGroup.Dispose(group);
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Deterministic_bits_are_those_of_any_message_size_and_route(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        RoutedDeviceCommunicator routed = (RoutedDeviceCommunicator)group.DeviceCommunicator!;
        routed.Facts = routed.Facts with { Policy = AllReducePolicy.Deterministic };
        const int Most = 300_000;
        Random random = new(4711 + rank.Rank);
        float[] inputs = [.. Enumerable.Range(0, Most).Select(_ => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-6, 7))))];
        using DeviceBuffer<float> input = rank.Buffer<float>(inputs), output = rank.Buffer<float>(inputs);
        rank.Meet();
        group.AllReduce(input.Span, output.Span, ReduceOp.Sum, rank.Stream);
        rank.Meet();
        float[] whole = output.ToArray();
        foreach (int count in (ReadOnlySpan<int>)[1, 3, 1000, 65_537, Most])
        {
            AllReduceRequest request = new((nuint)count, DataType.Float32, ReduceOp.Sum);
            Assert.True(AllReduceRouter.KeepsRankOrder(group.Route(request).Route));
            foreach (AllReduceRoute? route in AllReduceRouter.Routes.Where(route => AllReduceRouter.Objection(route, request, routed.Facts) is null).Cast<AllReduceRoute?>().Append(null))
            {
                DeviceSpan<float> from = input.Span.Slice(0, (nuint)count), to = output.Span.Slice(0, (nuint)count);
                if (route is { } forced)
                    routed.Launch(forced, from.Pointer, to.Pointer, (nuint)count, DataType.Float32, ReduceOp.Sum, rank.Stream);
                else
                    group.AllReduce(from, to, ReduceOp.Sum, rank.Stream);
                rank.Meet();
                Assert.Equal(whole[..count].Select(BitConverter.SingleToUInt32Bits), output.ToArray()[..count].Select(BitConverter.SingleToUInt32Bits));
            }
        }

        PeerGroup.Dispose(group);
    });

    /// <summary>Every rank's choice at many sizes is the first one's.</summary>
    private static void AgreeOn(GroupCoordinator group)
    {
        long[] choices = [.. Enumerable.Range(0, 40).Select(index => (long)group.Route(new AllReduceRequest((nuint)1 << (index / 2), DataType.Float32, ReduceOp.Sum) { IsCaptured = index % 2 == 1 }).Route)], first = [.. choices];
        group.Broadcast<long>(first, 0);
        Assert.Equal(first, choices);
    }

    private static void CheckSums(DeviceRank rank, GroupCoordinator group)
    {
        foreach (int count in (ReadOnlySpan<int>)[1, 1000, 16_384, 40_000])
        {
            using DeviceBuffer<float> buffer = rank.Device.Allocate<float>((nuint)count);
            PeerGroup.Fill(buffer, rank.Rank + 1);
            rank.Meet();
            group.AllReduce(buffer.Span, buffer.Span, ReduceOp.Sum, rank.Stream);
            rank.Meet();
            PeerGroup.Check(buffer, rank.Size * (rank.Size + 1) / 2);
            using (CudaGraph graph = rank.Capture(() => group.AllReduce(buffer.Span, buffer.Span, ReduceOp.Sum, rank.Stream)))
            using (CudaGraphExec exec = graph.Instantiate())
            {
                exec.Launch(rank.Stream);
                rank.Meet();
            }

            PeerGroup.Check(buffer, rank.Size * rank.Size * (rank.Size + 1) / 2);
            rank.Meet();
        }
    }

    /// <summary>Finds three wrong elements in the first route that it looks at, at each size.</summary>
    private sealed class FailingCheck(bool fails) : IAllReduceCheck
    {
        private nuint _count;
        private long _wrong;

        public int Calls => 2;

        public void Begin() => _wrong = 0;

        public void Fill(nint input, nuint count, DataType type, int seed)
        {
            _wrong = fails && count != _count ? 3 : _wrong;
            _count = count;
        }

        public void Count(nint output, nuint count, DataType type, int seed)
        {
        }

        public long Wrong() => _wrong;

        public void Dispose()
        {
        }
    }
}
