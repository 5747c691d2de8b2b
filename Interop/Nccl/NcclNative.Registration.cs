using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    public const int NCCL_WIN_DEFAULT = 0x00;
    public const int NCCL_WIN_COLL_SYMMETRIC = 0x01;
    public const int NCCL_WIN_STRICT_ORDERING = 0x02;
    public const int NCCL_WIN_REQUIRED_ALIGNMENT = 4096;

    /// <summary>NCCL 2.19.1 or newer.</summary>
    public static ncclResult_t ncclCommRegister(nint comm, void* buff, nuint size, void** handle)
    {
        try { return Optional.ncclCommRegister(comm, buff, size, handle); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommRegister), missing); }
    }

    /// <summary>NCCL 2.19.1 or newer.</summary>
    public static ncclResult_t ncclCommDeregister(nint comm, void* handle)
    {
        try { return Optional.ncclCommDeregister(comm, handle); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommDeregister), missing); }
    }

    /// <summary>NCCL 2.27.3 or newer. Collective.</summary>
    public static ncclResult_t ncclCommWindowRegister(nint comm, void* buff, nuint size, nint* win, int winFlags)
    {
        try { return Optional.ncclCommWindowRegister(comm, buff, size, win, winFlags); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommWindowRegister), missing); }
    }

    /// <summary>NCCL 2.27.3 or newer.</summary>
    public static ncclResult_t ncclCommWindowDeregister(nint comm, nint win)
    {
        try { return Optional.ncclCommWindowDeregister(comm, win); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclCommWindowDeregister), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer.</summary>
    public static ncclResult_t ncclWinGetUserPtr(nint comm, nint win, void** outUserPtr)
    {
        try { return Optional.ncclWinGetUserPtr(comm, win, outUserPtr); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclWinGetUserPtr), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer. The address of that rank's part of the window on this device, for a rank that loads and stores reach.</summary>
    public static ncclResult_t ncclGetLsaDevicePointer(nint window, nuint offset, int lsaRank, void** outPtr)
    {
        try { return Optional.ncclGetLsaDevicePointer(window, offset, lsaRank, outPtr); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclGetLsaDevicePointer), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer.</summary>
    public static ncclResult_t ncclGetPeerDevicePointer(nint window, nuint offset, int peer, void** outPtr)
    {
        try { return Optional.ncclGetPeerDevicePointer(window, offset, peer, outPtr); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclGetPeerDevicePointer), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommRegister(nint comm, void* buff, nuint size, void** handle);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommDeregister(nint comm, void* handle);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommWindowRegister(nint comm, void* buff, nuint size, nint* win, int winFlags);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclCommWindowDeregister(nint comm, nint win);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclWinGetUserPtr(nint comm, nint win, void** outUserPtr);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclGetLsaDevicePointer(nint window, nuint offset, int lsaRank, void** outPtr);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclGetPeerDevicePointer(nint window, nuint offset, int peer, void** outPtr);
    }
}
