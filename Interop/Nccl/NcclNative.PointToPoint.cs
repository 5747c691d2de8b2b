using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclSend(void* sendbuff, nuint count, ncclDataType_t datatype, int peer, nint comm, nint stream);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclRecv(void* recvbuff, nuint count, ncclDataType_t datatype, int peer, nint comm, nint stream);

    /// <summary>NCCL 2.29.2 or newer.</summary>
    public static ncclResult_t ncclPutSignal(
        void* localbuff, nuint count, ncclDataType_t datatype, int peer, nint peerWin, nuint peerWinOffset, int sigIdx, int ctx, uint flags,
        nint comm, nint stream)
    {
        try { return Optional.ncclPutSignal(localbuff, count, datatype, peer, peerWin, peerWinOffset, sigIdx, ctx, flags, comm, stream); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclPutSignal), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer.</summary>
    public static ncclResult_t ncclSignal(int peer, int sigIdx, int ctx, uint flags, nint comm, nint stream)
    {
        try { return Optional.ncclSignal(peer, sigIdx, ctx, flags, comm, stream); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclSignal), missing); }
    }

    /// <summary>NCCL 2.29.2 or newer.</summary>
    public static ncclResult_t ncclWaitSignal(int nDesc, ncclWaitSignalDesc_t* signalDescs, nint comm, nint stream)
    {
        try { return Optional.ncclWaitSignal(nDesc, signalDescs, comm, stream); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclWaitSignal), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclPutSignal(
            void* localbuff, nuint count, ncclDataType_t datatype, int peer, nint peerWin, nuint peerWinOffset, int sigIdx, int ctx, uint flags,
            nint comm, nint stream);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclSignal(int peer, int sigIdx, int ctx, uint flags, nint comm, nint stream);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclWaitSignal(int nDesc, ncclWaitSignalDesc_t* signalDescs, nint comm, nint stream);
    }
}
