using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduces that go round their rings many times, back to back: no wait of the host, and none of a device but for its peers.</summary>
public sealed class LongCallsTests
{
    private const int Calls = 6;

    /// <summary>RING of ring.cuh.</summary>
    private const int Ring = 4;

    /// <summary>Of a block; each has a cell of every piece.</summary>
    private const int MostThreads = 512;

    private static readonly AllReduceRoute[] s_routes = [AllReduceRoute.Windowed, AllReduceRoute.Registered, AllReduceRoute.CopyEngine];

    /// <summary>A type whose data is the flag, and one with flags; None: by each route in turn.</summary>
    public static MatrixTheoryData<AllReduceRoute, DataType, int> RoutesTypesAndSizes => new([.. s_routes, AllReduceRoute.None], DeviceWorld.IsBrief ? [DataType.BFloat16] : [DataType.BFloat16, DataType.Int32], [.. DeviceWorld.FewSizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(RoutesTypesAndSizes))]
    public void Long_calls_back_to_back_have_the_bits_of_a_fold_in_rank_order(AllReduceRoute route, DataType type, int ranks) => PeerGroup.Run(ranks, rank =>
    {
        bool shares = RegisteredCases.SharesDevice(rank);
        Assert.SkipWhen(route == AllReduceRoute.CopyEngine && shares, "Ranks share a GPU.");
        AllReduceRoute[] offered = shares ? s_routes[..2] : s_routes;
        AllReduceRoute[] routes = [.. Enumerable.Range(0, Calls).Select(call => route == AllReduceRoute.None ? offered[call % offered.Length] : route)];
        rank.Group.Prepare([type], [ReduceOp.Sum]);
        nuint[] lengths = Lengths(rank);
        PeerBuffer<byte> memory = RegisteredCases.Allocate<byte>(rank.Group, Calls * lengths[^1]);
        Random random = new(World.Seed);
        foreach (nuint bytes in lengths)
        {
            if (type == DataType.BFloat16)
                Check(new LongCalls<BFloat16>(rank, routes, memory.Span.Slice(0, Calls * bytes), random));
            else
                Check(new LongCalls<int>(rank, routes, memory.Span.Slice(0, Calls * bytes), random));
        }

        rank.Meet();
        RegisteredCases.Dispose(memory);
        rank.Group.Barrier();

        void Check<T>(LongCalls<T> calls)
            where T : unmanaged
        {
            calls.Load();
            rank.Meet();
            calls.EnqueueAll();
            rank.Meet();
            calls.Check();

            // Peers write into registered memory.
            rank.Meet();
        }
    });

    /// <summary>In bytes: 4 to 256 MiB, of which ranks that share a GPU have no memory for the last. On devices of few multiprocessors, and in brief, the largest grid has small pieces, and so few of them will do.</summary>
    private static nuint[] Lengths(DeviceRank rank)
    {
        const nuint MiB = 1 << 20;
        int shares = rank.Group.Members.Count(member => member.Device!.Uuid == rank.Device.Uuid);
        nuint piece = (nuint)(Math.Min(PeerLaunch.MostBlocks, rank.Device.MultiprocessorCount / shares) * MostThreads * PeerLaunch.CellBytes * rank.Size);
        nuint[] lengths = rank.IsBrief ? [(Ring + 3) * piece] : rank.Device.MultiprocessorCount < 16 ? [2 * piece, (2 * Ring + 3) * piece]
            : shares > 1 ? [4 * MiB, 16 * MiB, 64 * MiB] : [4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB];
        Assert.True(lengths[^1] > (Ring + 2) * piece, $"{lengths[^1]} bytes are hardly more pieces of {piece} than a ring has places.");
        return lengths;
    }
}
