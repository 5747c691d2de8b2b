using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>Which family of headers a libmpi was built with.</summary>
public enum MpiFamily
{
    /// <summary>Handles are pointers, predefined ones are addresses of exported data.</summary>
    OpenMpi,

    /// <summary>MPICH and all that share its binary interface (Intel MPI, MVAPICH, Cray): handles are 32-bit numbers.</summary>
    Mpich,
}

/// <summary>
/// What mpi.h says and the two families say differently. Values as a C compiler printed them from the headers of Open MPI 4.1.4 and MPICH 4.0.2; both
/// projects keep them for the sake of compiled programs.
/// </summary>
public sealed unsafe class MpiAbi
{
    public const int MPI_SUCCESS = 0;
    public const int MPI_THREAD_SERIALIZED = 2;
    public const int MPI_THREAD_MULTIPLE = 3;

    /// <summary>Room for any of MPI_MAX_LIBRARY_VERSION_STRING (256 and 8192) and MPI_MAX_ERROR_STRING (256 and 512).</summary>
    public const int MaxStringBytes = 8192;

    /// <summary>Room for any MPI_Status: 24 bytes in Open MPI, 20 in MPICH.</summary>
    public const int MaxStatusBytes = 24;

    private MpiAbi()
    {
    }

    public required MpiFamily Family { get; init; }

    /// <summary>sizeof(MPI_Request): the stride of an array of requests.</summary>
    public required int HandleBytes { get; init; }

    public required nint MPI_COMM_WORLD { get; init; }

    public required nint MPI_BYTE { get; init; }

    public required nint MPI_REQUEST_NULL { get; init; }

    public required nint MPI_ERRORS_RETURN { get; init; }

    public required nint MPI_STATUS_IGNORE { get; init; }

    public required nint MPI_STATUSES_IGNORE { get; init; }

    public required int MPI_ANY_SOURCE { get; init; }

    public required int MPI_TAG_UB { get; init; }

    /// <summary>offsetof(MPI_Status, MPI_SOURCE).</summary>
    public required int SourceInStatus { get; init; }

    public static MpiAbi Mpich { get; } = new()
    {
        Family = MpiFamily.Mpich,
        HandleBytes = 4,
        MPI_COMM_WORLD = 0x44000000,
        MPI_BYTE = 0x4c00010d,
        MPI_REQUEST_NULL = 0x2c000000,
        MPI_ERRORS_RETURN = 0x54000001,
        MPI_STATUS_IGNORE = 1,
        MPI_STATUSES_IGNORE = 1,
        MPI_ANY_SOURCE = -2,
        MPI_TAG_UB = 0x64400001,
        SourceInStatus = 8,
    };

    /// <summary>Throws <see cref="EntryPointNotFoundException"/> if <paramref name="library"/> is not Open MPI.</summary>
    public static MpiAbi OpenMpi(nint library) => new()
    {
        Family = MpiFamily.OpenMpi,
        HandleBytes = sizeof(nint),
        MPI_COMM_WORLD = NativeLibrary.GetExport(library, "ompi_mpi_comm_world"),
        MPI_BYTE = NativeLibrary.GetExport(library, "ompi_mpi_byte"),
        MPI_REQUEST_NULL = NativeLibrary.GetExport(library, "ompi_request_null"),
        MPI_ERRORS_RETURN = NativeLibrary.GetExport(library, "ompi_mpi_errors_return"),
        MPI_STATUS_IGNORE = 0,
        MPI_STATUSES_IGNORE = 0,
        MPI_ANY_SOURCE = -1,
        MPI_TAG_UB = 0,
        SourceInStatus = 0,
    };

    /// <summary>A handle out of an array of them.</summary>
    public nint ReadHandle(byte* handle) => HandleBytes == sizeof(int) ? *(int*)handle : *(nint*)handle;

    public void WriteHandle(byte* handle, nint value)
    {
        if (HandleBytes == sizeof(int))
            *(int*)handle = (int)value;
        else
            *(nint*)handle = value;
    }
}
