using System.Globalization;

namespace CollectivesSharp;

/// <summary>A process id alone is reused; with the start time that the kernel keeps it is unique until the next boot.</summary>
internal static class ProcessIdentity
{
    /// <summary>Of this process, in clock ticks since boot.</summary>
    internal static long OwnStartTime { get; } = TryRead(Environment.ProcessId, out long startTime, out _) ? startTime : 0;

    /// <summary>False once it has ended, a zombie included.</summary>
    internal static bool IsAlive(int processId, long startTime) =>
        TryRead(processId, out long actual, out char state) && actual == startTime && state is not ('Z' or 'X');

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
