using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleLoad(nint* module, byte* fname);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleLoadData(nint* module, void* image);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleLoadDataEx(nint* module, void* image, uint numOptions, CUjit_option* options, void** optionValues);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleLoadFatBinary(nint* module, void* fatCubin);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleUnload(nint hmod);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode* mode);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleGetFunction(nint* hfunc, nint hmod, byte* name);

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuModuleGetFunctionCount(uint* count, nint mod)
    {
        try { return Optional.cuModuleGetFunctionCount(count, mod); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuModuleGetFunctionCount), missing); }
    }

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuModuleEnumerateFunctions(nint* functions, uint numFunctions, nint mod)
    {
        try { return Optional.cuModuleEnumerateFunctions(functions, numFunctions, mod); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuModuleEnumerateFunctions), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuModuleGetGlobal_v2(nint* dptr, nuint* bytes, nint hmod, byte* name);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLinkCreate_v2(uint numOptions, CUjit_option* options, void** optionValues, nint* stateOut);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLinkAddData_v2(
        nint state, CUjitInputType type, void* data, nuint size, byte* name, uint numOptions, CUjit_option* options, void** optionValues);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLinkAddFile_v2(nint state, CUjitInputType type, byte* path, uint numOptions, CUjit_option* options, void** optionValues);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLinkComplete(nint state, void** cubinOut, nuint* sizeOut);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLinkDestroy(nint state);

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuModuleGetFunctionCount(uint* count, nint mod);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuModuleEnumerateFunctions(nint* functions, uint numFunctions, nint mod);
    }
}
