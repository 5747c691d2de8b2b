namespace CollectivesSharp.KernelEmulator;

/// <summary>A kernel as its program in programs/ runs it: once for each world size and combination of macros.</summary>
/// <param name="Variants">What is defined beside WORLD_SIZE, such as ELEMENT and OP; one without anything where there is nothing to choose.</param>
internal sealed record Kernel(string Program, int[] WorldSizes, string[][] Variants)
{
    /// <summary>The kernels that run here. A new one needs a line here, a program and mutations: docs/kernels.md.</summary>
    internal static Kernel[] All { get; } =
    [
        new("all_reduce_one_shot", [2, 3, 4, 8], Elements("Float32 Sum", "Float32 Average", "Float16 Sum", "BFloat16 Sum", "BFloat16 Max", "Float8E4M3 Sum", "Float8E5M2 Min", "Int8 Average", "Float64 Min")),
        new("all_reduce_two_shot", [2, 3, 8], Elements("Float32 Sum", "Float16 Average", "Float8E4M3 Max", "Int32 Product")),
        new("all_reduce_windowed", [2, 3, 8], Elements("BFloat16 Sum", "Float32 Average", "Float64 Sum", "Int32 Min")),
        new("all_reduce_registered", [2, 3, 8], Elements("BFloat16 Sum", "Float32 Average", "Int32 Max", "Int8 Sum")),
        new("all_reduce_copy_engine", [2, 3, 8], Elements("Float32 Sum", "BFloat16 Average", "Int32 Max")),
        new("all_reduce_rms_norm_one_shot", [2, 3, 8], [["-DELEMENT=BFloat16"], ["-DELEMENT=Float16"], ["-DELEMENT=Float32"]]),
        new("all_reduce_rms_norm_two_shot", [2, 3, 8], [["-DELEMENT=BFloat16"], ["-DELEMENT=Float16"], ["-DELEMENT=Float32"]]),
        new("exchange", [2, 3, 8], [[]]),
        new("barrier", [2, 3, 8], [[]]),
        new("reduce_scatter", [2, 3, 8], Elements("BFloat16 Sum", "Float32 Average", "UInt64 Max")),
        new("mixed", [2, 3, 8], Elements("BFloat16 Sum", "Int64 Max")),
    ];

    /// <summary>All of them at three ranks; at other sizes the first, unless COLLECTIVES_TEST_KERNELS=all: each is a program to compile.</summary>
    internal string[][] VariantsAt(int worldSize) => worldSize == 3 || Environment.GetEnvironmentVariable("COLLECTIVES_TEST_KERNELS") == "all" ? Variants : Variants[..1];

    private static string[][] Elements(params string[] elementsAndOps) => [.. elementsAndOps.Select(pair => pair.Split(' ')).Select(pair => new[] { $"-DELEMENT={pair[0]}", $"-DOP={pair[1]}" })];
}
