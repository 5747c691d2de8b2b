using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const int FUTEX_WAIT = 0;
    public const int FUTEX_WAKE = 1;

    private static readonly nint SYS_futex = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 98 : 202;

    /// <summary>
    /// Sleeps while *<paramref name="uaddr"/> equals <paramref name="val"/>, for at most <paramref name="timeout"/> (relative; null: for
    /// good). Shared: works between processes that map the same memory at different addresses. -1 with EAGAIN, EINTR or ETIMEDOUT
    /// is normal; wake-ups can be spurious.
    /// </summary>
    public static int futex_wait(int* uaddr, int val, timespec* timeout) =>
        (int)syscall(SYS_futex, (nint)uaddr, FUTEX_WAIT, val, (nint)timeout, 0, 0);

    /// <summary>Wakes at most <paramref name="count"/> sleepers and returns how many it woke.</summary>
    public static int futex_wake(int* uaddr, int count) => (int)syscall(SYS_futex, (nint)uaddr, FUTEX_WAKE, count, 0, 0, 0);

    // Variadic in C; with integer arguments alone both ABIs pass them as a call with this fixed signature does.
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    private static partial nint syscall(nint number, nint a1, nint a2, nint a3, nint a4, nint a5, nint a6);
}
