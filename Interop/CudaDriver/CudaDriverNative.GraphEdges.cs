using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    public const byte CU_GRAPH_KERNEL_NODE_PORT_DEFAULT = 0;
    public const byte CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC = 1;
    public const byte CU_GRAPH_KERNEL_NODE_PORT_LAUNCH_ORDER = 2;

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphNodeGetType(nint hNode, CUgraphNodeType* type);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphGetNodes(nint hGraph, nint* nodes, nuint* numNodes);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphGetRootNodes(nint hGraph, nint* rootNodes, nuint* numRootNodes);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphGetEdges(nint hGraph, nint* from, nint* to, nuint* numEdges);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuGraphGetEdges_v2(nint hGraph, nint* from, nint* to, CUgraphEdgeData* edgeData, nuint* numEdges)
    {
        try { return Optional.cuGraphGetEdges_v2(hGraph, from, to, edgeData, numEdges); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuGraphGetEdges_v2), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphNodeGetDependencies(nint hNode, nint* dependencies, nuint* numDependencies);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuGraphNodeGetDependencies_v2(nint hNode, nint* dependencies, CUgraphEdgeData* edgeData, nuint* numDependencies)
    {
        try { return Optional.cuGraphNodeGetDependencies_v2(hNode, dependencies, edgeData, numDependencies); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuGraphNodeGetDependencies_v2), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphNodeGetDependentNodes(nint hNode, nint* dependentNodes, nuint* numDependentNodes);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuGraphNodeGetDependentNodes_v2(nint hNode, nint* dependentNodes, CUgraphEdgeData* edgeData, nuint* numDependentNodes)
    {
        try { return Optional.cuGraphNodeGetDependentNodes_v2(hNode, dependentNodes, edgeData, numDependentNodes); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuGraphNodeGetDependentNodes_v2), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphAddDependencies(nint hGraph, nint* from, nint* to, nuint numDependencies);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuGraphAddDependencies_v2(nint hGraph, nint* from, nint* to, CUgraphEdgeData* edgeData, nuint numDependencies)
    {
        try { return Optional.cuGraphAddDependencies_v2(hGraph, from, to, edgeData, numDependencies); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuGraphAddDependencies_v2), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuGraphRemoveDependencies(nint hGraph, nint* from, nint* to, nuint numDependencies);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuGraphRemoveDependencies_v2(nint hGraph, nint* from, nint* to, CUgraphEdgeData* edgeData, nuint numDependencies)
    {
        try { return Optional.cuGraphRemoveDependencies_v2(hGraph, from, to, edgeData, numDependencies); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuGraphRemoveDependencies_v2), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuGraphGetEdges_v2(nint hGraph, nint* from, nint* to, CUgraphEdgeData* edgeData, nuint* numEdges);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuGraphNodeGetDependencies_v2(nint hNode, nint* dependencies, CUgraphEdgeData* edgeData, nuint* numDependencies);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuGraphNodeGetDependentNodes_v2(nint hNode, nint* dependentNodes, CUgraphEdgeData* edgeData, nuint* numDependentNodes);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuGraphAddDependencies_v2(nint hGraph, nint* from, nint* to, CUgraphEdgeData* edgeData, nuint numDependencies);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuGraphRemoveDependencies_v2(nint hGraph, nint* from, nint* to, CUgraphEdgeData* edgeData, nuint numDependencies);
    }
}
