using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduce by our kernels: the bits of the host's fold in rank order, whatever the route, type, operation, size, alignment and way of calling.</summary>
public sealed class PeerAllReduceTests
{
    /// <summary>Around packets of 4, 8 and 16 elements, blocks of 128 threads, grids of one round and of several.</summary>
    private static readonly int[] s_counts = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 127, 509, 512, 2047, 2049, 10_007, 65_536, 100_003];

    public static MatrixTheoryData<DataType, int> TypesAndSizes => new([.. PeerKernelVariant.Types], [.. DeviceWorld.PeerSizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(TypesAndSizes))]
    public void The_bits_are_those_of_a_fold_in_rank_order_eager_and_replayed(DataType type, int ranks) => PeerGroup.Run(ranks, rank =>
    {
        switch (type)
        {
            case DataType.Float32: Check<float>(rank); break;
            case DataType.Float16: Check<Half>(rank); break;
            case DataType.BFloat16: Check<BFloat16>(rank); break;
            case DataType.Float8E4M3: Check<Float8E4M3>(rank); break;
            case DataType.Int8: Check<sbyte>(rank); break;
            case DataType.UInt8: Check<byte>(rank); break;
            case DataType.Int32: Check<int>(rank); break;
            case DataType.UInt32: Check<uint>(rank); break;
            case DataType.Int64: Check<long>(rank); break;
            case DataType.UInt64: Check<ulong>(rank); break;
            case DataType.Float64: Check<double>(rank); break;
            default: Check<Float8E5M2>(rank); break;
        }
    });

    private static void Check<T>(DeviceRank rank)
        where T : unmanaged
    {
        Random random = new(World.Seed);
        DataType type = DataTypeExtensions.Of<T>();
        rank.Group.Prepare([type], [.. PeerKernelVariant.Operations]);
        foreach (ReduceOp op in PeerKernelVariant.Operations)
        {
            List<PeerCall> calls = [];
            foreach (int count in rank.IsBrief ? s_counts[..17] : s_counts)
            {
                calls.Add(new PeerCall(PeerGroup.AnyRoute(random), op, count, InPlace: true, random.Next(16), 0, random.Next()));
                calls.Add(new PeerCall(PeerGroup.AnyRoute(random), op, count, InPlace: false, random.Next(16), random.Next(16), random.Next()));
                calls.Add(new PeerCall(PeerGroup.AnyRoute(random), op, count, InPlace: calls.Count % 2 == 0, 0, 0, random.Next()));
            }

            using PeerCalls<T> all = new(rank, calls);
            PeerGroup.EagerAndReplayed(rank, all.EnqueueAll, all.Load, all.Check);

            rank.Meet();
        }
    }
}
