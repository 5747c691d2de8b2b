namespace CollectivesSharp.Interop;

/// <summary>
/// What the driver at hand can do. Functions of CUDA 12.2 (driver 535) are taken for granted; each later one is in <see cref="Since"/>.
/// </summary>
public static class CudaDriverFeatures
{
    private static readonly FeatureTable s_table = new(
        NativeLibraryKind.Cuda,
        DriverText,
        ("CUDA 12.3",
        [
            nameof(CudaDriverNative.cuFuncGetName), nameof(CudaDriverNative.cuKernelGetName), nameof(CudaDriverNative.cuStreamBeginCaptureToGraph),
            nameof(CudaDriverNative.cuStreamGetCaptureInfo_v3), nameof(CudaDriverNative.cuStreamUpdateCaptureDependencies_v2),
            nameof(CudaDriverNative.cuGraphGetEdges_v2), nameof(CudaDriverNative.cuGraphNodeGetDependencies_v2),
            nameof(CudaDriverNative.cuGraphNodeGetDependentNodes_v2), nameof(CudaDriverNative.cuGraphAddDependencies_v2),
            nameof(CudaDriverNative.cuGraphRemoveDependencies_v2),
        ]),
        ("CUDA 12.4",
        [
            nameof(CudaDriverNative.cuFuncGetParamInfo), nameof(CudaDriverNative.cuFuncIsLoaded), nameof(CudaDriverNative.cuFuncLoad),
            nameof(CudaDriverNative.cuKernelGetParamInfo), nameof(CudaDriverNative.cuLibraryEnumerateKernels),
            nameof(CudaDriverNative.cuLibraryGetKernelCount), nameof(CudaDriverNative.cuModuleEnumerateFunctions),
            nameof(CudaDriverNative.cuModuleGetFunctionCount),
        ]));

    /// <summary>The functions that a supported library may lack, with the first version that has each.</summary>
    public static IReadOnlyDictionary<string, string> Since => s_table.Since;

    /// <summary>Whether the library at hand exports the function; false also if there is no library. Never throws for a missing one.</summary>
    public static bool Has(string function) => s_table.Has(function);

    internal static EntryPointNotFoundException Missing(string function, Exception inner) => s_table.Missing(function, inner);

    private static unsafe string DriverText()
    {
        int version;
        return CudaDriverNative.cuDriverGetVersion(&version) == CUresult.CUDA_SUCCESS ? $"A driver for CUDA {version / 1000}.{version % 1000 / 10}" : "The CUDA driver";
    }
}
