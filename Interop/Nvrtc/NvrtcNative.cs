using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>
/// The run-time compiler, 12.0 or newer. nvrtcProgram is nint. Every size counts bytes and includes a text's terminating null. Programs may be compiled on
/// several threads at once, each program on one.
/// </summary>
public static unsafe partial class NvrtcNative
{
    // Precise (not beforefieldinit) on purpose: runs before the first import of this class is bound.
    static NvrtcNative() => NativeLibraryLocator.EnsureRegistered();

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial byte* nvrtcGetErrorString(nvrtcResult result);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcVersion(int* major, int* minor);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetNumSupportedArchs(int* numArchs);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetSupportedArchs(int* supportedArchs);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcCreateProgram(nint* prog, byte* src, byte* name, int numHeaders, byte** headers, byte** includeNames);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcCompileProgram(nint prog, int numOptions, byte** options);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcDestroyProgram(nint* prog);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetProgramLogSize(nint prog, nuint* logSizeRet);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetProgramLog(nint prog, byte* log);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetPTXSize(nint prog, nuint* ptxSizeRet);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetPTX(nint prog, byte* ptx);

    /// <summary>0 unless the program was compiled for a real architecture (sm_, not compute_).</summary>
    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetCUBINSize(nint prog, nuint* cubinSizeRet);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetCUBIN(nint prog, byte* cubin);

    /// <summary>Needs the option -dlto.</summary>
    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetLTOIRSize(nint prog, nuint* LTOIRSizeRet);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetLTOIR(nint prog, byte* LTOIR);

    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcAddNameExpression(nint prog, byte* name_expression);

    /// <summary>Valid until the program is destroyed.</summary>
    [LibraryImport(NativeLibraryLocator.Nvrtc)]
    public static partial nvrtcResult nvrtcGetLoweredName(nint prog, byte* name_expression, byte** lowered_name);
}
