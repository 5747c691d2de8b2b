using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddKernelNode_v2(
        nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, CUDA_KERNEL_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphKernelNodeGetParams_v2(nint hNode, CUDA_KERNEL_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphKernelNodeSetParams_v2(nint hNode, CUDA_KERNEL_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphKernelNodeGetAttribute(nint hNode, CUlaunchAttributeID attr, CUlaunchAttributeValue* value_out);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphKernelNodeSetAttribute(nint hNode, CUlaunchAttributeID attr, CUlaunchAttributeValue* value);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddMemcpyNode(
        nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, CUDA_MEMCPY3D* copyParams, nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphMemcpyNodeGetParams(nint hNode, CUDA_MEMCPY3D* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddMemsetNode(
        nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, CUDA_MEMSET_NODE_PARAMS* memsetParams, nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphMemsetNodeGetParams(nint hNode, CUDA_MEMSET_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddHostNode(
        nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, CUDA_HOST_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphHostNodeGetParams(nint hNode, CUDA_HOST_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddChildGraphNode(nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, nint childGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphChildGraphNodeGetGraph(nint hNode, nint* phGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddEmptyNode(nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddEventRecordNode(nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, nint @event);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddEventWaitNode(nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, nint @event);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddBatchMemOpNode(
        nint* phGraphNode, nint hGraph, nint* dependencies, nuint numDependencies, CUDA_BATCH_MEM_OP_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphBatchMemOpNodeGetParams(nint hNode, CUDA_BATCH_MEM_OP_NODE_PARAMS* nodeParams_out);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphDestroyNode(nint hNode);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphNodeFindInClone(nint* phNode, nint hOriginalNode, nint hClonedGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphNodeSetEnabled(nint hGraphExec, nint hNode, uint isEnabled);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphNodeGetEnabled(nint hGraphExec, nint hNode, uint* isEnabled);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecKernelNodeSetParams_v2(nint hGraphExec, nint hNode, CUDA_KERNEL_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecMemcpyNodeSetParams(nint hGraphExec, nint hNode, CUDA_MEMCPY3D* copyParams, nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecMemsetNodeSetParams(nint hGraphExec, nint hNode, CUDA_MEMSET_NODE_PARAMS* memsetParams, nint ctx);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecHostNodeSetParams(nint hGraphExec, nint hNode, CUDA_HOST_NODE_PARAMS* nodeParams);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecChildGraphNodeSetParams(nint hGraphExec, nint hNode, nint childGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecEventRecordNodeSetEvent(nint hGraphExec, nint hNode, nint @event);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecEventWaitNodeSetEvent(nint hGraphExec, nint hNode, nint @event);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphExecBatchMemOpNodeSetParams(nint hGraphExec, nint hNode, CUDA_BATCH_MEM_OP_NODE_PARAMS* nodeParams);
}
