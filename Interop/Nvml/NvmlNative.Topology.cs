using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NvmlNative
{
    public const uint NVML_AFFINITY_SCOPE_NODE = 0;
    public const uint NVML_AFFINITY_SCOPE_SOCKET = 1;

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetPciInfo_v3(nint device, nvmlPciInfo_t* pci);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nint device, uint* currLinkGen);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nint device, uint* currLinkWidth);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nint device, uint* maxLinkGen);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nint device, uint* maxLinkWidth);

    /// <summary>Driver 545 or newer. For GPUs whose memory is a NUMA node of its own (Grace Hopper); NVML_ERROR_NOT_SUPPORTED elsewhere.</summary>
    public static nvmlReturn_t nvmlDeviceGetNumaNodeId(nint device, uint* node)
    {
        try { return Optional.nvmlDeviceGetNumaNodeId(device, node); }
        catch (EntryPointNotFoundException missing) { throw NvmlFeatures.Missing(nameof(nvmlDeviceGetNumaNodeId), missing); }
    }

    /// <summary><paramref name="cpuSetSize"/> counts the words of <paramref name="cpuSet"/>, a bit mask of processors.</summary>
    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetCpuAffinity(nint device, uint cpuSetSize, nuint* cpuSet);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetCpuAffinityWithinScope(nint device, uint cpuSetSize, nuint* cpuSet, uint scope);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetMemoryAffinity(nint device, uint nodeSetSize, nuint* nodeSet, uint scope);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nint device1, nint device2, nvmlGpuTopologyLevel_t* pathInfo);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetTopologyNearestGpus(nint device, nvmlGpuTopologyLevel_t level, uint* count, nint* deviceArray);

    [LibraryImport(NativeLibraryLocator.Nvml)]
    public static partial nvmlReturn_t nvmlDeviceGetP2PStatus(nint device1, nint device2, nvmlGpuP2PCapsIndex_t p2pIndex, nvmlGpuP2PStatus_t* p2pStatus);

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nvml)]
        internal static partial nvmlReturn_t nvmlDeviceGetNumaNodeId(nint device, uint* node);
    }
}
