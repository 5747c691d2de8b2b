using System.Collections.Concurrent;
using System.Reflection;

namespace CollectivesSharp.Cuda;

/// <summary>The sources of the kernels that talk over peer memory. What each takes and how it is launched is said in the source; every variant has a name of its own.</summary>
public static class CollectiveKernels
{
    private static readonly Assembly s_assembly = typeof(CollectiveKernels).Assembly;
    private static readonly ConcurrentDictionary<string, KernelSource> s_sources = new(StringComparer.Ordinal);

    /// <summary>Of a type and an operation, for 2 to 8 ranks.</summary>
    public static IReadOnlyList<string> Reducing { get; } = ["all_reduce_one_shot", "all_reduce_two_shot", "all_reduce_windowed", "reduce_scatter", "all_reduce_copy_engine", "all_reduce_registered"];

    /// <summary>For 2 to 8 ranks.</summary>
    public static IReadOnlyList<string> Copying { get; } = ["exchange"];

    /// <summary>For 2 to 8 ranks.</summary>
    public static IReadOnlyList<string> Synchronizing { get; } = ["barrier"];

    /// <summary>All-reduces with residual and RMSNorm: of a type, for 2 to 8 ranks.</summary>
    public static IReadOnlyList<string> Fused { get; } = ["all_reduce_rms_norm_one_shot", "all_reduce_rms_norm_two_shot"];

    /// <summary>Of a type, whatever the ranks: they touch nobody else's memory.</summary>
    public static IReadOnlyList<string> Local { get; } = ["rms_norm"];

    /// <summary>With the headers that it includes. Throws <see cref="ArgumentException"/> that lists what there is.</summary>
    public static KernelSource Source(string name) => s_sources.GetOrAdd(name, static name => KernelSource.FromResource(s_assembly, name + ".cu", [.. Resources(".cuh")]));

    /// <summary>
    /// NVRTC's options for a variant whose kernel is called <paramref name="kernel"/>. <paramref name="element"/> and <paramref name="op"/> are types of elements.cuh.
    /// </summary>
    public static string[] Options(string kernel, int worldSize, string element, string op) => [$"-DKERNEL={kernel}", $"-DWORLD_SIZE={worldSize}", $"-DELEMENT={element}", $"-DOP={op}"];

    /// <summary>Of a kernel without an operation.</summary>
    public static string[] Options(string kernel, int worldSize, string element) => [$"-DKERNEL={kernel}", $"-DWORLD_SIZE={worldSize}", $"-DELEMENT={element}"];

    /// <summary>Of a kernel without elements.</summary>
    public static string[] Options(string kernel, int worldSize) => [$"-DKERNEL={kernel}", $"-DWORLD_SIZE={worldSize}"];

    private static IEnumerable<string> Resources(string suffix) => s_assembly.GetManifestResourceNames().Where(name => name.EndsWith(suffix, StringComparison.Ordinal));
}
