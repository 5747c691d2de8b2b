using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const int O_RDWR = 0x2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_CLOEXEC = 0x80000;

    public const int PROT_READ = 0x1;
    public const int PROT_WRITE = 0x2;
    public const int MAP_SHARED = 0x1;
    public const int MAP_POPULATE = 0x8000;
    public const nint MAP_FAILED = -1;

    /// <summary>Takes the pages out of the file too: who reads there next finds zeros.</summary>
    public const int MADV_REMOVE = 9;

    public const uint MFD_CLOEXEC = 0x1;
    public const uint MFD_NOEXEC_SEAL = 0x8;

    /// <summary><paramref name="name"/> is a null-terminated "/name".</summary>
    [LibraryImport(NativeLibraryLocator.Realtime, SetLastError = true)]
    public static partial int shm_open(byte* name, int oflag, uint mode);

    [LibraryImport(NativeLibraryLocator.Realtime, SetLastError = true)]
    public static partial int shm_unlink(byte* name);

    /// <summary>A file without a name or a mount's limit. <paramref name="name"/> is null-terminated and shows in /proc alone.</summary>
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int memfd_create(byte* name, uint flags);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int ftruncate(int fd, long length);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int madvise(nint addr, nuint length, int advice);

    /// <summary>Returns the error itself and leaves errno alone.</summary>
    [LibraryImport(NativeLibraryLocator.C)]
    public static partial int posix_fallocate(int fd, long offset, long len);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial nint mmap(nint addr, nuint length, int prot, int flags, int fd, long offset);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int munmap(nint addr, nuint length);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int fstatvfs(int fd, statvfs_t* buf);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int statvfs(byte* path, statvfs_t* buf);
}
