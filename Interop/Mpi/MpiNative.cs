using System.Runtime.InteropServices;
using System.Text;

namespace CollectivesSharp.Interop;

/// <summary>
/// MPI's C calls, over the library that <see cref="MpiLibrary.Load"/> has found. Handles are nint in both binary interfaces: an MPICH handle, a 32-bit number, travels
/// in the lower half of a register; a handle that a call writes must be zeroed before, and arrays of handles have <see cref="MpiAbi.HandleBytes"/> as their stride. Every call returns
/// MPI_SUCCESS or an error for <see cref="Describe"/>.
/// </summary>
public static unsafe partial class MpiNative
{
    static MpiNative() => NativeLibraryLocator.EnsureRegistered();

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Init_thread(int* argc, byte*** argv, int required, int* provided);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Initialized(int* flag);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Finalized(int* flag);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Query_thread(int* provided);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Finalize();

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Error_string(int errorcode, byte* @string, int* resultlen);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Comm_rank(nint comm, int* rank);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Comm_size(nint comm, int* size);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Comm_dup(nint comm, nint* newcomm);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Comm_free(nint* comm);

    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Comm_set_errhandler(nint comm, nint errhandler);

    /// <summary>Of MPI_TAG_UB: <paramref name="attribute_val"/> receives the address of an int.</summary>
    [LibraryImport(NativeLibraryLocator.Mpi)]
    public static partial int MPI_Comm_get_attr(nint comm, int comm_keyval, int** attribute_val, int* flag);

    /// <summary>"MPI_ERR_TRUNCATE: message truncated", or the number if the library knows no text.</summary>
    public static string Describe(int error)
    {
        byte* text = stackalloc byte[MpiAbi.MaxStringBytes];
        int length = 0;
        return MPI_Error_string(error, text, &length) == MpiAbi.MPI_SUCCESS ? Encoding.UTF8.GetString(text, length).TrimEnd('\0') : $"error {error}";
    }
}
