using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    /// <summary>Groups belong to the calling thread: no await between start and end.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclGroupStart();

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclGroupEnd();

    /// <summary>NCCL 2.22.3 or newer.</summary>
    public static ncclResult_t ncclGroupSimulateEnd(ncclSimInfo_t* simInfo)
    {
        try { return Optional.ncclGroupSimulateEnd(simInfo); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclGroupSimulateEnd), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclGroupSimulateEnd(ncclSimInfo_t* simInfo);
    }
}
