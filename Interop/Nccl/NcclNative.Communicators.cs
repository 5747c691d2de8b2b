using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    /// <summary>Colour of ncclCommSplit: this rank goes into no new communicator.</summary>
    public const int NCCL_SPLIT_NOCOLOR = -1;
    public const int NCCL_CTA_POLICY_DEFAULT = 0x00;
    public const int NCCL_CTA_POLICY_EFFICIENCY = 0x01;
    public const int NCCL_CTA_POLICY_ZERO = 0x02;
    public const int NCCL_SHRINK_DEFAULT = 0x00;
    public const int NCCL_SHRINK_ABORT = 0x01;
    public const int NCCL_REVOKE_DEFAULT = 0x00;
    public const int NCCL_SUSPEND_MEM = 0x01;

    /// <summary>Blocks until every rank has come.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommInitRank(nint* comm, int nranks, ncclUniqueId commId, int rank);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommInitRankConfig(nint* comm, int nranks, ncclUniqueId commId, int rank, ncclConfig_t* config);

    /// <summary>NCCL 2.23.4 or newer.</summary>
    public static ncclResult_t ncclCommInitRankScalable(nint* newcomm, int nranks, int myrank, int nId, ncclUniqueId* commIds, ncclConfig_t* config)
    {
        try { return Optional.ncclCommInitRankScalable(newcomm, nranks, myrank, nId, commIds, config); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommInitRankScalable), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommInitAll(nint* comm, int ndev, int* devlist);

    /// <summary>NCCL 2.18.1 or newer.</summary>
    public static ncclResult_t ncclCommSplit(nint comm, int color, int key, nint* newcomm, ncclConfig_t* config)
    {
        try { return Optional.ncclCommSplit(comm, color, key, newcomm, config); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommSplit), missing); }
    }

    /// <summary>NCCL 2.27.3 or newer.</summary>
    public static ncclResult_t ncclCommShrink(nint comm, int* excludeRanksList, int excludeRanksCount, nint* newcomm, ncclConfig_t* config, int shrinkFlags)
    {
        try { return Optional.ncclCommShrink(comm, excludeRanksList, excludeRanksCount, newcomm, config, shrinkFlags); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommShrink), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer.</summary>
    public static ncclResult_t ncclCommGetUniqueId(nint comm, ncclUniqueId* uniqueId)
    {
        try { return Optional.ncclCommGetUniqueId(comm, uniqueId); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommGetUniqueId), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer. Existing ranks pass <paramref name="rank"/> -1 and (all but the one that made it) a null id; new ranks pass <paramref name="comm"/> 0.</summary>
    public static ncclResult_t ncclCommGrow(nint comm, int nRanks, ncclUniqueId* uniqueId, int rank, nint* newcomm, ncclConfig_t* config)
    {
        try { return Optional.ncclCommGrow(comm, nRanks, uniqueId, rank, newcomm, config); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommGrow), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommFinalize(nint comm);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommDestroy(nint comm);

    /// <summary>Every active rank must call it; no other thread may be inside a call on the communicator.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommAbort(nint comm);

    /// <summary>NCCL 2.28.7 or newer.</summary>
    public static ncclResult_t ncclCommRevoke(nint comm, int revokeFlags)
    {
        try { return Optional.ncclCommRevoke(comm, revokeFlags); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommRevoke), missing); }
    }

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommGetAsyncError(nint comm, ncclResult_t* asyncError);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommCount(nint comm, int* count);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommCuDevice(nint comm, int* device);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclCommUserRank(nint comm, int* rank);

    /// <summary>NCCL 2.29.7 or newer.</summary>
    public static ncclResult_t ncclCommSuspend(nint comm, int flags)
    {
        try { return Optional.ncclCommSuspend(comm, flags); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommSuspend), missing); }
    }

    /// <summary>NCCL 2.29.7 or newer.</summary>
    public static ncclResult_t ncclCommResume(nint comm)
    {
        try { return Optional.ncclCommResume(comm); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommResume), missing); }
    }

    /// <summary>NCCL 2.29.7 or newer.</summary>
    public static ncclResult_t ncclCommMemStats(nint comm, ncclCommMemStat_t stat, ulong* value)
    {
        try { return Optional.ncclCommMemStats(comm, stat, value); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommMemStats), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommInitRankScalable(
            nint* newcomm, int nranks, int myrank, int nId, ncclUniqueId* commIds, ncclConfig_t* config);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommSplit(nint comm, int color, int key, nint* newcomm, ncclConfig_t* config);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommShrink(
            nint comm, int* excludeRanksList, int excludeRanksCount, nint* newcomm, ncclConfig_t* config, int shrinkFlags);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommGetUniqueId(nint comm, ncclUniqueId* uniqueId);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommGrow(nint comm, int nRanks, ncclUniqueId* uniqueId, int rank, nint* newcomm, ncclConfig_t* config);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommRevoke(nint comm, int revokeFlags);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommSuspend(nint comm, int flags);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommResume(nint comm);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommMemStats(nint comm, ncclCommMemStat_t stat, ulong* value);
    }
}
