using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class CudaDriverNative
{
    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamBeginCapture_v2(nint hStream, CUstreamCaptureMode mode);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuStreamBeginCaptureToGraph(
        nint hStream, nint hGraph, nint* dependencies, CUgraphEdgeData* dependencyData, nuint numDependencies, CUstreamCaptureMode mode)
    {
        try { return Optional.cuStreamBeginCaptureToGraph(hStream, hGraph, dependencies, dependencyData, numDependencies, mode); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuStreamBeginCaptureToGraph), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamEndCapture(nint hStream, nint* phGraph);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamIsCapturing(nint hStream, CUstreamCaptureStatus* captureStatus);

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamGetCaptureInfo_v2(
        nint hStream, CUstreamCaptureStatus* captureStatus_out, ulong* id_out, nint* graph_out, nint** dependencies_out, nuint* numDependencies_out);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuStreamGetCaptureInfo_v3(
        nint hStream, CUstreamCaptureStatus* captureStatus_out, ulong* id_out, nint* graph_out, nint** dependencies_out,
        CUgraphEdgeData** edgeData_out, nuint* numDependencies_out)
    {
        try { return Optional.cuStreamGetCaptureInfo_v3(hStream, captureStatus_out, id_out, graph_out, dependencies_out, edgeData_out, numDependencies_out); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuStreamGetCaptureInfo_v3), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuStreamUpdateCaptureDependencies(nint hStream, nint* dependencies, nuint numDependencies, uint flags);

    /// <summary>CUDA 12.3 or newer.</summary>
    public static CUresult cuStreamUpdateCaptureDependencies_v2(
        nint hStream, nint* dependencies, CUgraphEdgeData* dependencyData, nuint numDependencies, uint flags)
    {
        try { return Optional.cuStreamUpdateCaptureDependencies_v2(hStream, dependencies, dependencyData, numDependencies, flags); }
        catch (EntryPointNotFoundException missing) { throw CudaDriverFeatures.Missing(nameof(cuStreamUpdateCaptureDependencies_v2), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Cuda)]
    public static partial CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode);

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuStreamBeginCaptureToGraph(
            nint hStream, nint hGraph, nint* dependencies, CUgraphEdgeData* dependencyData, nuint numDependencies, CUstreamCaptureMode mode);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuStreamGetCaptureInfo_v3(
            nint hStream, CUstreamCaptureStatus* captureStatus_out, ulong* id_out, nint* graph_out, nint** dependencies_out,
            CUgraphEdgeData** edgeData_out, nuint* numDependencies_out);

        [LibraryImport(NativeLibraryLocator.Cuda)]
        internal static partial CUresult cuStreamUpdateCaptureDependencies_v2(
            nint hStream, nint* dependencies, CUgraphEdgeData* dependencyData, nuint numDependencies, uint flags);
    }
}
