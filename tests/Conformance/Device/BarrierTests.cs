using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>The barrier of streams, by our kernel and by NCCL.</summary>
public sealed class BarrierTests
{
    [Theory]
    [MemberData(nameof(DeviceWorld.Sizes), MemberType = typeof(DeviceWorld))]
    public void No_stream_goes_on_before_the_last_rank_has_come_and_each_does_then(int ranks) => DeviceWorld.Run(ranks, rank => CheckMeeting(rank, rank.Group));

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void It_is_our_kernels_unless_calls_are_told_to_go_by_NCCL(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        GroupCoordinator group = PeerGroup.New(rank);
        RoutedDeviceCommunicator routed = (RoutedDeviceCommunicator)group.DeviceCommunicator!;
        group.Barrier(rank.Stream);
        Assert.Equal(("Barrier", 1L), ((IGuardedCommunicator)routed.Peer).LastCall);
        if (routed.Nccl is not null)
        {
            routed.Facts = routed.Facts with { Forced = AllReduceRoute.Nccl };
            CheckMeeting(rank, group);
            Assert.Equal(("Barrier", 1L), ((IGuardedCommunicator)routed.Peer).LastCall);
            Assert.Equal("Barrier", ((IGuardedCommunicator)routed.Nccl).LastCall.Operation);
        }

        group.Synchronize(rank.Stream);
        PeerGroup.Dispose(group);
        rank.Group.Barrier();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void It_takes_its_turn_among_calls_of_all_routes(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Random random = new(World.Seed);
        AllReduceRoute[] routes = [AllReduceRoute.OneShot, AllReduceRoute.TwoShot, AllReduceRoute.Windowed, AllReduceRoute.Registered];
        if (!RegisteredCases.SharesDevice(rank))
            routes = [.. routes, AllReduceRoute.CopyEngine];
        PeerCall[] calls = [.. routes.SelectMany(route => ((int[])[3, 5000]).Select(count => new PeerCall(route, ReduceOp.Sum, count, random.Next(2) == 0, 0, 0, random.Next())))];
        random.Shuffle(calls);
        PeerBuffer<byte> memory = RegisteredCases.Allocate<byte>(rank.Group, PeerCalls<float>.BytesOf(calls));
        using (PeerCalls<float> sums = new(rank, calls, memory.Span))
        using (DeviceBuffer<int> own = rank.Device.Allocate<int>(1), all = rank.Device.Allocate<int>((nuint)ranks), received = rank.Device.Allocate<int>(1))
        {
            PeerGroup.EagerAndReplayed(rank, Calls,
                round =>
                {
                    sums.Load(round);
                    own.CopyFrom([(round * ranks) + rank.Rank]);
                },
                round =>
                {
                    sums.Check(round);
                    Assert.Equal(Enumerable.Range(round * ranks, ranks), all.ToArray());
                    if (rank.Group.Nccl is not null)
                        Assert.Equal([(round * ranks) + rank.Previous], received.ToArray());
                });

            void Calls()
            {
                for (int call = 0; call < calls.Length; call++)
                {
                    // None, one, two behind each other.
                    for (int barrier = 0; barrier < call % 3; barrier++)
                        rank.Group.Barrier(rank.Stream);
                    sums.Enqueue(call, rank.Stream);
                    if (call % 4 == 1)
                        rank.Group.AllGather(own.Span, all.Span, rank.Stream);
                    if (call % 4 == 2 && rank.Group.Nccl is not null)
                        rank.Group.SendReceive(own.Span, rank.Next, received.Span, rank.Previous, rank.Stream);
                }
            }
        }

        RegisteredCases.Dispose(memory);
        rank.Group.Barrier();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void What_streams_have_stored_in_any_ranks_memory_before_is_there_behind_it(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        const int Length = 3000, Rounds = 8;
        PeerBuffer<uint> shared = RegisteredCases.Allocate<uint>(rank.Group, (nuint)(ranks * Length));
        PeerSlice slice = RegistrationOf(shared)!.Slice;
        DeviceSpan<uint>[] places = [.. Enumerable.Range(0, ranks).Select(peer => new DeviceSpan<uint>(slice.Address(peer) + (rank.Rank * Length * sizeof(uint)), Length))];
        using (DeviceBuffer<uint> source = rank.Device.Allocate<uint>(Rounds * Length), seen = rank.Device.Allocate<uint>((nuint)(Rounds * ranks * Length)))
        {
            // By copies and by the driver's kernel, which takes a constant.
            PeerGroup.EagerAndReplayed(rank, Calls,
                load => source.CopyFrom([.. Enumerable.Range(0, Rounds * Length).Select(i => Value(load, i / Length, rank.Rank, i % Length))]),
                load =>
                {
                    uint[] found = seen.ToArray();
                    for (int i = 0; i < found.Length; i++)
                    {
                        int round = i / (ranks * Length), from = i / Length % ranks;
                        uint right = round % 2 == 0 ? Value(load, round, from, i % Length) : Constant(round, from);
                        Assert.True(right == found[i], $"Rank {rank.Rank} sees {found[i]} behind the barrier of round {round}, load {load}, where rank {from} stored {right} before.");
                    }
                });

            void Calls()
            {
                for (int round = 0; round < Rounds; round++)
                {
                    foreach (DeviceSpan<uint> place in places)
                    {
                        if (round % 2 == 0)
                            source.Span.Slice((nuint)(round * Length), Length).CopyTo(place, rank.Stream);
                        else
                            Contexts.Fill(rank.Stream, place, Constant(round, rank.Rank));
                    }

                    rank.Group.Barrier(rank.Stream);
                    shared.Span.CopyTo(seen.Span.Slice((nuint)(round * ranks * Length), (nuint)(ranks * Length)), rank.Stream);

                    // Nobody stores the next round's over what another one has yet to load.
                    rank.Group.Barrier(rank.Stream);
                }
            }
        }

        RegisteredCases.Dispose(shared);
        rank.Group.Barrier();

        static uint Value(int load, int round, int from, int index) => (uint)((((((load * Rounds) + round) * 8) + from) * Length) + index + 1);

        static uint Constant(int round, int from) => (uint)((round * 8) + from + 1);
    });

    /// <summary>Eager and replayed, on changing streams, each rank the last one in turn. Its stream comes when its host stores a word.</summary>
    private static void CheckMeeting(DeviceRank rank, GroupCoordinator group)
    {
        const int Looks = 2000;
        using CudaStream second = rank.NewStream();
        using DeviceBuffer<uint> word = rank.Buffer(0u);
        using CudaGraph graph = rank.Capture(() => group.Barrier(rank.Stream));
        using CudaGraphExec exec = graph.Instantiate();
        using CudaEvent passed = rank.Device.CreateEvent();
        for (uint round = 1; round <= 6 * rank.Size; round++)
        {
            CudaStream stream = round % 3 == 0 ? second : rank.Stream;
            bool isLast = rank.Rank == round % rank.Size;
            if (isLast)
                Contexts.WaitForWord(stream, word, round);
            if (round % 2 == 0)
                exec.Launch(stream);
            else
                group.Barrier(stream);
            passed.Record(stream);

            // All others' barriers run.
            rank.Group.Barrier();
            for (int look = 0; look < Looks; look++)
                Assert.False(passed.IsCompleted, $"Round {round}: rank {rank.Rank} has passed before rank {round % rank.Size} has come.");
            rank.Group.Barrier();
            if (isLast)
                word.CopyFrom([round]);
            group.Synchronize(stream);
            Assert.True(passed.IsCompleted);
            rank.Group.Barrier();
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_registration")]
    private static extern ref PeerRegistration? RegistrationOf(PeerBuffer<uint> buffer);
}
