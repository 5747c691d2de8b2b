using System.Globalization;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>A process id alone is reused; with the start time that the kernel keeps it is unique until the next boot.</summary>
internal static class ProcessIdentity
{
    /// <summary>Of this process, in clock ticks since boot.</summary>
    internal static long OwnStartTime { get; } = TryRead(Environment.ProcessId, out long startTime, out _) ? startTime : 0;

    /// <summary>False once it has ended, a zombie included.</summary>
    internal static bool IsAlive(int processId, long startTime) =>
        TryRead(processId, out long actual, out char state) && actual == startTime && state is not ('Z' or 'X');

    /// <summary>
    /// True once all its threads have ended, and with them its open files: a GPU that it had works for it no more. <see cref="IsAlive"/> is false earlier, when the main thread is a zombie and another one still closes the devices.
    /// </summary>
    internal static unsafe bool HasLetGo(int processId, long startTime)
    {
        int descriptor = PosixNative.pidfd_open(processId, 0);
        if (descriptor < 0 && PosixNative.Errno == PosixNative.ESRCH)
            return true;
        try
        {
            if (TryRead(processId, out long actual, out _) && actual != startTime)
                return true;
            if (descriptor < 0)
                return !IsAlive(processId, startTime) && CountThreads(processId) <= 1;

            // A pidfd polls readable when the last thread has gone, which is after the kernel has closed its files.
            pollfd poll = new() { fd = descriptor, events = PosixNative.POLLIN };
            return PosixNative.poll(&poll, 1, 0) == 1;
        }
        finally
        {
            if (descriptor >= 0)
                _ = PosixNative.close(descriptor);
        }
    }

    private static int CountThreads(int processId)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{processId}/task").Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static bool TryRead(int processId, out long startTime, out char state)
    {
        startTime = 0;
        state = 'X';
        try
        {
            // pid (comm) state ppid ...: comm may hold spaces and brackets, so count fields from the last ')'; starttime is field 22.
            string stat = File.ReadAllText($"/proc/{processId}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            state = fields[0][0];
            return long.TryParse(fields[19], CultureInfo.InvariantCulture, out startTime);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
