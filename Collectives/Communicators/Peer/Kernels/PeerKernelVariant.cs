using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>One of our kernels (<see cref="CollectiveKernels"/>), compiled for a type, an operation and a number of ranks.</summary>
internal sealed record PeerKernelVariant(string Kernel, DataType Type, ReduceOp Op, int WorldSize)
{
    internal const string OneShot = "all_reduce_one_shot";

    internal const int MinRanks = 2;
    internal const int MaxRanks = 8;

    /// <summary>Named as in elements.cuh; so are the operations.</summary>
    internal static IReadOnlyList<DataType> Types { get; } = [DataType.Float32, DataType.Float16, DataType.BFloat16, DataType.Float8E4M3, DataType.Float8E5M2];

    internal static IReadOnlyList<ReduceOp> Operations { get; } = [ReduceOp.Sum, ReduceOp.Min, ReduceOp.Max, ReduceOp.Average];

    /// <summary>What a profiler shows: "all_reduce_one_shot_bfloat16_sum_4".</summary>
    internal string Name => $"{Kernel}_{Type}_{Op}_{WorldSize}".ToLowerInvariant();

    internal string[] Options => CollectiveKernels.Options(Name, WorldSize, Type.ToString(), Op.ToString());

    internal static bool Has(DataType type, ReduceOp op) =>
        type is DataType.Float32 or DataType.Float16 or DataType.BFloat16 or DataType.Float8E4M3 or DataType.Float8E5M2 && op is (ReduceOp.Sum or ReduceOp.Min or ReduceOp.Max or ReduceOp.Average);
}
