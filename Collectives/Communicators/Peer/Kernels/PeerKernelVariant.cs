using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>One of our kernels that reduce (<see cref="CollectiveKernels"/>), compiled for a type, an operation and a number of ranks.</summary>
internal sealed record PeerKernelVariant(string Kernel, DataType Type, ReduceOp Op, int WorldSize)
{
    internal const string OneShot = "all_reduce_one_shot";
    internal const string TwoShot = "all_reduce_two_shot";
    internal const string Windowed = "all_reduce_windowed";
    internal const string ReduceScatter = "reduce_scatter";
    internal const string CopyEngine = "all_reduce_copy_engine";
    internal const string Registered = "all_reduce_registered";

    internal const int MaxRanks = 8;

    internal static IReadOnlyList<string> Kernels { get; } = [OneShot, TwoShot, Windowed, ReduceScatter];

    /// <summary>Those that need registered memory: loaded when a group has some.</summary>
    internal static IReadOnlyList<string> RegisteredKernels { get; } = [CopyEngine, Registered];

    /// <summary>Named as in elements.cuh; so are the operations.</summary>
    internal static IReadOnlyList<DataType> Types { get; } = [.. Enum.GetValues<DataType>()];

    internal static IReadOnlyList<ReduceOp> Operations { get; } = [.. Enum.GetValues<ReduceOp>()];

    /// <summary>What a profiler shows: "all_reduce_one_shot_bfloat16_sum_4".</summary>
    internal string Name => $"{Kernel}_{Type}_{Op}_{WorldSize}".ToLowerInvariant();

    internal string[] Options => CollectiveKernels.Options(Name, WorldSize, Type.ToString(), Op.ToString());
}
