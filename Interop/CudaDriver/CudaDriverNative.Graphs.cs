using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphCreate(nint* phGraph, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphDestroy(nint hGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphClone(nint* phGraphClone, nint originalGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphInstantiateWithFlags(nint* phGraphExec, nint hGraph, ulong flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphInstantiateWithParams(nint* phGraphExec, nint hGraph, CUDA_GRAPH_INSTANTIATE_PARAMS* instantiateParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphUpload(nint hGraphExec, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphLaunch(nint hGraphExec, nint hStream);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecUpdate_v2(nint hGraphExec, nint hGraph, CUgraphExecUpdateResultInfo* resultInfo);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecGetFlags(nint hGraphExec, ulong* flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecDestroy(nint hGraphExec);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphDebugDotPrint(nint hGraph, byte* path, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuUserObjectCreate(
        nint* object_out, void* ptr, delegate* unmanaged[Cdecl]<void*, void> destroy, uint initialRefcount, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuUserObjectRetain(nint @object, uint count);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuUserObjectRelease(nint @object, uint count);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphRetainUserObject(nint graph, nint @object, uint count, uint flags);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphReleaseUserObject(nint graph, nint @object, uint count);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGraphMemTrim(int device);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceGetGraphMemAttribute(int device, CUgraphMem_attribute attr, void* value);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuDeviceSetGraphMemAttribute(int device, CUgraphMem_attribute attr, void* value);
}
