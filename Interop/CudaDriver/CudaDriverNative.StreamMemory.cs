using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamWriteValue32_v2(nint stream, nint addr, uint value, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamWriteValue64_v2(nint stream, nint addr, ulong value, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamWaitValue32_v2(nint stream, nint addr, uint value, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamWaitValue64_v2(nint stream, nint addr, ulong value, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamBatchMemOp_v2(nint stream, uint count, CUstreamBatchMemOpParams* paramArray, uint flags);
}
