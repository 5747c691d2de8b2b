using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class MpiNative
{
    /// <summary><paramref name="request"/>: where the handle goes, <see cref="MpiAbi.HandleBytes"/> of it. The buffer stays MPI's until the request is complete.</summary>
    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Isend(void* buf, int count, nint datatype, int dest, int tag, nint comm, byte* request);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Irecv(void* buf, int count, nint datatype, int source, int tag, nint comm, byte* request);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Iprobe(int source, int tag, nint comm, int* flag, byte* status);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Get_count(byte* status, nint datatype, int* count);

    /// <summary>A completed request becomes MPI_REQUEST_NULL, for which the flag is set at once.</summary>
    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Test(byte* request, int* flag, nint status);

    /// <summary>All or none: without the flag no request has changed.</summary>
    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Testall(int count, byte* array_of_requests, int* flag, nint array_of_statuses);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Cancel(byte* request);
}
