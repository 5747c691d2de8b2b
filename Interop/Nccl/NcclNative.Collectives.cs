using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclAllReduce(
        void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, ncclRedOp_t op, nint comm, nint stream);

    /// <summary><paramref name="recvbuff"/> is used on the root alone.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclReduce(
        void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, ncclRedOp_t op, int root, nint comm, nint stream);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclBroadcast(void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, int root, nint comm, nint stream);

    /// <summary>In place.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclBcast(void* buff, nuint count, ncclDataType_t datatype, int root, nint comm, nint stream);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclReduceScatter(
        void* sendbuff, void* recvbuff, nuint recvcount, ncclDataType_t datatype, ncclRedOp_t op, nint comm, nint stream);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclAllGather(void* sendbuff, void* recvbuff, nuint sendcount, ncclDataType_t datatype, nint comm, nint stream);

    /// <summary>NCCL 2.28.3 or newer. <paramref name="count"/> elements to each rank.</summary>
    public static ncclResult_t ncclAlltoAll(void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, nint comm, nint stream)
    {
        try { return Optional.ncclAlltoAll(sendbuff, recvbuff, count, datatype, comm, stream); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclAlltoAll), missing); }
    }

    /// <summary>NCCL 2.28.3 or newer.</summary>
    public static ncclResult_t ncclGather(void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, int root, nint comm, nint stream)
    {
        try { return Optional.ncclGather(sendbuff, recvbuff, count, datatype, root, comm, stream); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclGather), missing); }
    }

    /// <summary>NCCL 2.28.3 or newer.</summary>
    public static ncclResult_t ncclScatter(void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, int root, nint comm, nint stream)
    {
        try { return Optional.ncclScatter(sendbuff, recvbuff, count, datatype, root, comm, stream); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclScatter), missing); }
    }

    /// <summary>The operation is valid on <paramref name="comm"/> alone; a scalar on the device must live until the collectives that use it have run.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclRedOpCreatePreMulSum(
        ncclRedOp_t* op, void* scalar, ncclDataType_t datatype, ncclScalarResidence_t residence, nint comm);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclRedOpDestroy(ncclRedOp_t op, nint comm);

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclAlltoAll(void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, nint comm, nint stream);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclGather(void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, int root, nint comm, nint stream);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclScatter(
            void* sendbuff, void* recvbuff, nuint count, ncclDataType_t datatype, int root, nint comm, nint stream);
    }
}
