using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    public const nint CU_STREAM_LEGACY = 1;
    public const nint CU_STREAM_PER_THREAD = 2;

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamCreate(nint* phStream, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamCreateWithPriority(nint* phStream, uint flags, int priority);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamDestroy_v2(nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamQuery(nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamSynchronize(nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamWaitEvent(nint hStream, nint hEvent, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamGetPriority(nint hStream, int* priority);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamGetFlags(nint hStream, uint* flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamGetId(nint hStream, ulong* streamId);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamGetCtx(nint hStream, nint* pctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamAttachMemAsync(nint hStream, nint dptr, nuint length, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamCopyAttributes(nint dst, nint src);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamGetAttribute(nint hStream, CUlaunchAttributeID attr, CUlaunchAttributeValue* value_out);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamSetAttribute(nint hStream, CUlaunchAttributeID attr, CUlaunchAttributeValue* value);
}
