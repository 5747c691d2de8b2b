using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    public const int CU_IPC_HANDLE_SIZE = 64;

    /// <summary>The handle names the whole allocation: what cuMemGetAddressRange_v2 gives as base, not <paramref name="dptr"/>, is what the importer maps.</summary>
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuIpcGetMemHandle(CUipcMemHandle* pHandle, nint dptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuIpcOpenMemHandle_v2(nint* pdptr, CUipcMemHandle handle, uint Flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuIpcCloseMemHandle(nint dptr);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuIpcGetEventHandle(CUipcEventHandle* pHandle, nint @event);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuIpcOpenEventHandle(nint* phEvent, CUipcEventHandle handle);
}
