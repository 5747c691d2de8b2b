using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryLoadData(
        nint* library, void* code, CUjit_option* jitOptions, void** jitOptionsValues, uint numJitOptions, CUlibraryOption* libraryOptions,
        void** libraryOptionValues, uint numLibraryOptions);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryLoadFromFile(
        nint* library, byte* fileName, CUjit_option* jitOptions, void** jitOptionsValues, uint numJitOptions, CUlibraryOption* libraryOptions,
        void** libraryOptionValues, uint numLibraryOptions);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryUnload(nint library);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryGetKernel(nint* pKernel, nint library, byte* name);

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuLibraryGetKernelCount(uint* count, nint lib)
    {
        try { return Optional.cuLibraryGetKernelCount(count, lib); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuLibraryGetKernelCount), missing); }
    }

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuLibraryEnumerateKernels(nint* kernels, uint numKernels, nint lib)
    {
        try { return Optional.cuLibraryEnumerateKernels(kernels, numKernels, lib); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuLibraryEnumerateKernels), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryGetModule(nint* pMod, nint library);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryGetGlobal(nint* dptr, nuint* bytes, nint library, byte* name);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryGetManaged(nint* dptr, nuint* bytes, nint library, byte* name);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuLibraryGetUnifiedFunction(void** fptr, nint library, byte* symbol);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuKernelGetFunction(nint* pFunc, nint kernel);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuKernelGetAttribute(int* pi, CUfunction_attribute attrib, nint kernel, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuKernelSetAttribute(CUfunction_attribute attrib, int val, nint kernel, int dev);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuKernelSetCacheConfig(nint kernel, CUfunc_cache config, int dev);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuKernelGetName(byte** name, nint hfunc)
    {
        try { return Optional.cuKernelGetName(name, hfunc); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuKernelGetName), missing); }
    }

    /// <summary>CUDA 12.4 or newer.</summary>
    public static CUresult cuKernelGetParamInfo(nint kernel, nuint paramIndex, nuint* paramOffset, nuint* paramSize)
    {
        try { return Optional.cuKernelGetParamInfo(kernel, paramIndex, paramOffset, paramSize); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuKernelGetParamInfo), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuLibraryGetKernelCount(uint* count, nint lib);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuLibraryEnumerateKernels(nint* kernels, uint numKernels, nint lib);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuKernelGetName(byte** name, nint hfunc);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuKernelGetParamInfo(nint kernel, nuint paramIndex, nuint* paramOffset, nuint* paramSize);
    }
}
