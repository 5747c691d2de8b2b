using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventCreate(nint* phEvent, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventDestroy_v2(nint hEvent);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventRecord(nint hEvent, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventRecordWithFlags(nint hEvent, nint hStream, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventQuery(nint hEvent);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventSynchronize(nint hEvent);

    /// <summary>Milliseconds.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuEventElapsedTime(float* pMilliseconds, nint hStart, nint hEnd);
}
