using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace CollectivesSharp.Interop;

/// <summary>
/// The C library's calls for shared memory, futexes, process handles and descriptor passing, on Linux x86-64 and arm64.
/// Names, values and return conventions are C's: -1 means that <see cref="Errno"/> holds the error, read before the next call.
/// </summary>
public static unsafe partial class PosixNative
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int EINVAL = 22;
    public const int ENOSPC = 28;
    public const int EPIPE = 32;
    public const int ENOSYS = 38;
    public const int ECONNRESET = 104;
    public const int ETIMEDOUT = 110;

    // Precise (not beforefieldinit) on purpose: runs before the first import of this class is bound.
    static PosixNative() => NativeLibraryLocator.EnsureRegistered();

    /// <summary>The errno that the last call of this thread left.</summary>
    public static int Errno => Marshal.GetLastPInvokeError();

    /// <summary>"ENOSPC (28): No space left on device".</summary>
    public static string Describe(int errno)
    {
        string name = errno switch
        {
            EPERM => "EPERM",
            ENOENT => "ENOENT",
            ESRCH => "ESRCH",
            EINTR => "EINTR",
            EAGAIN => "EAGAIN",
            ENOMEM => "ENOMEM",
            EACCES => "EACCES",
            EEXIST => "EEXIST",
            EINVAL => "EINVAL",
            ENOSPC => "ENOSPC",
            EPIPE => "EPIPE",
            ENOSYS => "ENOSYS",
            ECONNRESET => "ECONNRESET",
            ETIMEDOUT => "ETIMEDOUT",
            _ => "errno",
        };
        return $"{name} ({errno}): {Marshal.GetPInvokeErrorMessage(errno)}";
    }

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int close(int fd);
}
