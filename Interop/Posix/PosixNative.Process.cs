using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const short POLLIN = 0x1;
    public const short POLLOUT = 0x4;
    public const short POLLERR = 0x8;
    public const short POLLHUP = 0x10;

    /// <summary>The peer has shut down its writing half, read or not what lies before that.</summary>
    public const short POLLRDHUP = 0x2000;
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;

    private const nint SYS_pidfd_open = 434;

    /// <summary>A descriptor (close-on-exec) that polls readable once the process has ended, reaped or not. Linux 5.3 or newer.</summary>
    public static int pidfd_open(int pid, uint flags) => (int)syscall(SYS_pidfd_open, pid, (nint)flags, 0, 0, 0, 0);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int poll(pollfd* fds, nuint nfds, int timeout);

    /// <summary>As <see cref="poll"/>, to the nanosecond; no signal mask for <paramref name="sigmask"/> null.</summary>
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int ppoll(pollfd* fds, nuint nfds, timespec* tmo_p, void* sigmask);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int eventfd(uint initval, int flags);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial nint read(int fd, void* buf, nuint count);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial nint write(int fd, void* buf, nuint count);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int kill(int pid, int sig);

    [LibraryImport(NativeLibraryLocator.C)]
    public static partial uint geteuid();

    /// <summary>The processor that the calling thread runs on, or -1. Some nanoseconds: no system call where the kernel shares the number with user space.</summary>
    [LibraryImport(NativeLibraryLocator.C)]
    [SuppressGCTransition]
    public static partial int sched_getcpu();

    /// <summary>
    /// The processors that thread <paramref name="pid"/> (0: the calling one) may run on, one bit each, in machine words. EINVAL if <paramref name="cpusetsize"/> bytes
    /// can't hold the kernel's largest number.
    /// </summary>
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int sched_getaffinity(int pid, nuint cpusetsize, void* mask);

    /// <summary>On return the thread runs on one of them.</summary>
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int sched_setaffinity(int pid, nuint cpusetsize, void* mask);
}
