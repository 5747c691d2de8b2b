using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuFuncGetAttribute(int* pi, CUfunction_attribute attrib, nint hfunc);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuFuncSetAttribute(nint hfunc, CUfunction_attribute attrib, int value);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuFuncSetCacheConfig(nint hfunc, CUfunc_cache config);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuFuncGetModule(nint* hmod, nint hfunc);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuFuncGetName(byte** name, nint hfunc)
    {
        try { return Optional.cuFuncGetName(name, hfunc); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuFuncGetName), missing); }
    }

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuFuncGetParamInfo(nint func, nuint paramIndex, nuint* paramOffset, nuint* paramSize)
    {
        try { return Optional.cuFuncGetParamInfo(func, paramIndex, paramOffset, paramSize); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuFuncGetParamInfo), missing); }
    }

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuFuncIsLoaded(CUfunctionLoadingState* state, nint function)
    {
        try { return Optional.cuFuncIsLoaded(state, function); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuFuncIsLoaded), missing); }
    }

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuFuncLoad(nint function)
    {
        try { return Optional.cuFuncLoad(function); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuFuncLoad), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, nint func, int blockSize, nuint dynamicSMemSize);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        int* numBlocks, nint func, int blockSize, nuint dynamicSMemSize, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyMaxPotentialBlockSize(
        int* minGridSize, int* blockSize, nint func, delegate* unmanaged[Cdecl]<int, nuint> blockSizeToDynamicSMemSize, nuint dynamicSMemSize,
        int blockSizeLimit);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(
        int* minGridSize, int* blockSize, nint func, delegate* unmanaged[Cdecl]<int, nuint> blockSizeToDynamicSMemSize, nuint dynamicSMemSize,
        int blockSizeLimit, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyAvailableDynamicSMemPerBlock(nuint* dynamicSmemSize, nint func, int numBlocks, int blockSize);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyMaxPotentialClusterSize(int* clusterSize, nint func, CUlaunchConfig* config);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuOccupancyMaxActiveClusters(int* numClusters, nint func, CUlaunchConfig* config);

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuFuncGetName(byte** name, nint hfunc);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuFuncGetParamInfo(nint func, nuint paramIndex, nuint* paramOffset, nuint* paramSize);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuFuncIsLoaded(CUfunctionLoadingState* state, nint function);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuFuncLoad(nint function);
    }
}
