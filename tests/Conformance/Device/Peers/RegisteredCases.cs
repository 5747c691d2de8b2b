using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>What every route into registered memory has to keep.</summary>
internal static class RegisteredCases
{
    /// <summary>Parts that are empty, of one unit, of several; the last two in two pieces of copy engines with up to 4 ranks and with 2, and the last in more pieces than a ring has places, on a GPU a longer one yet (below).</summary>
    private static readonly int[] s_counts = [1, 5, 33, 127, 513, 2049, 10_007, 100_003, 2_100_001];

    private static readonly ReduceOp[] s_operations = [ReduceOp.Sum, ReduceOp.Average, ReduceOp.Min];

    public static MatrixTheoryData<DataType, int> TypesAndSizes => new(
        [DataType.Float32, DataType.BFloat16, DataType.Float16, DataType.Float8E4M3, DataType.Int8, DataType.Int64, DataType.Float64], [.. DeviceWorld.PeerSizes.Select(row => row.Data)]);

    internal static bool SharesDevice(DeviceRank rank) => rank.Group.Members.Select(member => member.Device!.Uuid).Distinct().Count() < rank.Size;

    internal static PeerBuffer<T> Allocate<T>(GroupCoordinator group, nuint length)
        where T : unmanaged
        => group.AllocateRegisteredAsync<T>(length).GetAwaiter().GetResult();

    internal static void Dispose<T>(PeerBuffer<T> buffer)
        where T : unmanaged
        => buffer.DisposeAsync().AsTask().GetAwaiter().GetResult();

    internal static float[] Content(DeviceRank rank, DeviceSpan<float> memory)
    {
        float[] content = new float[(int)memory.Length];
        memory.CopyTo(rank.Device, content.AsSpan());
        return content;
    }

    /// <summary>Of calls among those of other routes, in a random order: what the host's fold in rank order gives, eager and replayed, in place and not, at any offset.</summary>
    internal static void CheckBits(DeviceRank rank, AllReduceRoute route, DataType type)
    {
        switch (type)
        {
            case DataType.Float32: Check<float>(rank, route); break;
            case DataType.BFloat16: Check<BFloat16>(rank, route); break;
            case DataType.Float16: Check<Half>(rank, route); break;
            case DataType.Float8E4M3: Check<Float8E4M3>(rank, route); break;
            case DataType.Int8: Check<sbyte>(rank, route); break;
            case DataType.Int64: Check<long>(rank, route); break;
            default: Check<double>(rank, route); break;
        }
    }

    /// <summary>The fault of a call that ranks don't mean alike names what one of them means and what another one does.</summary>
    internal static void CheckMismatch(DeviceRank rank, AllReduceRoute route, nuint offset, nuint length, params string[] meanings)
    {
        GroupCoordinator group = PeerGroup.New(rank);
        PeerBuffer<float> output = Allocate<float>(group, 10_000);
        output.Span.Clear(rank.Stream);
        group.Synchronize(rank.Stream);
        group.Barrier();
        DeviceSpan<float> place = output.Span.Slice(offset, length);
        bool isEnqueued = false;
        CollectiveException fault = Assert.ThrowsAny<CollectiveException>(() =>
        {
            // Of more than two ranks, two may have found out before the last one calls.
            PeerGroup.PeerOf(group).AllReduce(route, place.Pointer, place.Pointer, place.Length, DataType.Float32, ReduceOp.Sum, rank.Stream);
            isEnqueued = true;
            group.Synchronize(rank.Stream);
        });

        // Who hears of the fault by a peer before its own kernel has seen it says so.
        Assert.True(fault is CallMismatchException or GroupAbortedException, fault.Message);
        Assert.All(meanings, meaning => Assert.Contains(meaning, fault.Message, StringComparison.Ordinal));
        Assert.ThrowsAny<CollectiveException>(() => group.AllReduce(place, place, ReduceOp.Sum, rank.Stream));
        rank.Stream.Synchronize();
        if (isEnqueued)
            Assert.All(Content(rank, place), found => Assert.True(float.IsNaN(found)));
        Dispose(output);
        PeerGroup.Dispose(group);
        rank.Group.Barrier();
    }

    internal static void CheckAllocations(DeviceRank rank, AllReduceRoute route)
    {
        PeerBuffer<float> value = Allocate<float>(rank.Group, 1000);
        PeerCommunicator peer = PeerGroup.PeerOf(rank.Group);
        rank.Meet();
        for (int call = 0; call < 120; call++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            peer.AllReduce(route, value.Pointer, value.Pointer, 1000, DataType.Float32, ReduceOp.Max, rank.Stream);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated == 0 || call < 50, $"{allocated} bytes in call {call}");
            if (call % 20 == 0)
                rank.Meet();
        }

        rank.Meet();
        Dispose(value);
        rank.Group.Barrier();
    }

    private static void Check<T>(DeviceRank rank, AllReduceRoute route)
        where T : unmanaged
    {
        Random random = new(World.Seed);
        rank.Group.Prepare([DataTypeExtensions.Of<T>()], s_operations);
        List<PeerCall> calls = [];
        foreach (int count in rank.IsBrief ? s_counts[..7] : s_counts)
        {
            // Two pieces are two pieces, whatever the type.
            if (count < 1_000_000 || DataTypeExtensions.Of<T>() is DataType.BFloat16 or DataType.Float32 or DataType.Int8)
                calls.Add(new PeerCall(route, ReduceOp.Sum, count, InPlace: true, random.Next(16), 0, random.Next()));
            if (count < 1_000_000)
            {
                AllReduceRoute other = random.Next(4) > 0 || SharesDevice(rank) ? PeerGroup.AnyRoute(random) : route == AllReduceRoute.CopyEngine ? AllReduceRoute.Registered : AllReduceRoute.CopyEngine;
                calls.Add(new PeerCall(other, s_operations[calls.Count % 3], Math.Min(count, 5000), calls.Count % 2 == 0, random.Next(16), random.Next(16), random.Next()));
                calls.Add(new PeerCall(route, s_operations[calls.Count % 3], count, InPlace: false, random.Next(16), random.Next(16), random.Next()));
                calls.Add(new PeerCall(route, s_operations[calls.Count % 3], count, calls.Count % 2 == 0, 0, 0, random.Next()));
            }
        }

        // At least 5 pieces of the ring of 132 multiprocessors and two ranks, and cells that lie whole.
        if (!rank.IsBrief && typeof(T) == typeof(float))
            calls.Add(new PeerCall(route, ReduceOp.Sum, 4_200_003, InPlace: false, 0, 0, random.Next()));
        PeerBuffer<byte> memory = Allocate<byte>(rank.Group, PeerCalls<T>.BytesOf(calls));
        using (PeerCalls<T> all = new(rank, calls, memory))
        {
            PeerGroup.EagerAndReplayed(rank, all.EnqueueAll, all.Load, all.Check);
        }

        rank.Meet();
        Dispose(memory);
    }
}
