namespace CollectivesSharp.Interop;

/// <summary>
/// What the NVML at hand can do. Functions of driver 535 are taken for granted; each later one is in <see cref="Since"/>.
/// </summary>
public static class NvmlFeatures
{
    private static readonly FeatureTable s_table = new(
        NativeLibraryKind.Nvml,
        () => "NVML",
        ("Driver 545",
        [
            nameof(NvmlNative.nvmlDeviceGetNumaNodeId), nameof(NvmlNative.nvmlDeviceGetGpuFabricInfoV),
        ]));

    /// <summary>The functions that a supported library may lack, with the first version that has each.</summary>
    public static IReadOnlyDictionary<string, string> Since => s_table.Since;

    /// <summary>Whether the library at hand exports the function; false also if there is no library. Never throws for a missing one.</summary>
    public static bool Has(string function) => s_table.Has(function);

    internal static EntryPointNotFoundException Missing(string function, Exception inner) => s_table.Missing(function, inner);
}
