using System.Globalization;
using System.Runtime.InteropServices;

namespace CollectivesSharp.Failures;

/// <summary>A limit of this process that is lowered for a while.</summary>
internal sealed unsafe partial class Limit
{
    private const int RLIMIT_NOFILE = 7;

    private readonly ulong _soft;
    private readonly ulong _hard;

    private Limit(ulong soft, ulong hard) => (_soft, _hard) = (soft, hard);

    /// <summary>From now on one descriptor can be opened, as .NET needs when it loads a library, and no second one beside it.</summary>
    internal static Limit OneDescriptor()
    {
        HashSet<ulong> open = [.. Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(path => ulong.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];
        ulong[] free = [.. Enumerable.Range(0, open.Count + 2).Select(number => (ulong)number).Where(number => !open.Contains(number)).Take(2)];
        ulong* both = stackalloc ulong[2];
        Check(getrlimit(RLIMIT_NOFILE, both));
        Limit before = new(both[0], both[1]);
        both[0] = free[1];
        Check(setrlimit(RLIMIT_NOFILE, both));
        return before;
    }

    internal void Restore()
    {
        ulong* both = stackalloc ulong[2];
        (both[0], both[1]) = (_soft, _hard);
        Check(setrlimit(RLIMIT_NOFILE, both));
    }

    private static void Check(int result) => ArgumentOutOfRangeException.ThrowIfNotEqual(result, 0);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, ulong* limit);
}
