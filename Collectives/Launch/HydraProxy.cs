using System.Globalization;

namespace CollectivesSharp;

/// <summary>
/// Hydra's environment holds nothing that tells one job from another. What the ranks of a node share is the process that
/// started them, hydra_pmi_proxy; what its proxies on all nodes share is mpiexec's address on their command lines.
/// </summary>
internal sealed record HydraProxy(int Pid, long StartTime, string? ControlPort)
{
    private const string ProcessName = "hydra_pmi_proxy";
    private const string ControlPortOption = "--control-port";

    // A rank may be started through wrappers (numactl, a shell, dotnet run), never through this many.
    private const int MostAncestors = 64;

    /// <summary>
    /// Pid and start time are never reused together, unlike mpiexec's port; with several nodes only the port is the same on all.
    /// </summary>
    public string? JobId(bool isSingleNode) =>
        isSingleNode ? string.Create(CultureInfo.InvariantCulture, $"hydra-{Pid}-{StartTime}")
        : ControlPort is null ? null
        : $"hydra-{ControlPort}";

    /// <summary>The nearest proxy above this process; null if there is none or the processes are not visible from here.</summary>
    public static HydraProxy? Find(string procDirectory = "/proc")
    {
        try
        {
            int pid = ReadStat(procDirectory, "self").Parent;
            for (int i = 0; i < MostAncestors && pid > 0; i++)
            {
                (string name, int parent, long startTime) = ReadStat(procDirectory, pid.ToString(CultureInfo.InvariantCulture));
                if (name == ProcessName)
                    return new(pid, startTime, ReadControlPort(procDirectory, pid));
                pid = parent;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // hidepid, a process namespace of its own, an ancestor that has just ended.
        }

        return null;
    }

    private static (string Name, int Parent, long StartTime) ReadStat(string procDirectory, string process)
    {
        string stat = File.ReadAllText(Path.Combine(procDirectory, process, "stat"));

        // "pid (name) state ppid …": the name may itself hold blanks and brackets. Start time is proc(5)'s field 22.
        int open = stat.IndexOf('(', StringComparison.Ordinal);
        int close = stat.LastIndexOf(')');
        string[] fields = close > open ? stat[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
        if (fields.Length < 20)
            throw new FormatException(stat);
        return (stat[(open + 1)..close],
            int.Parse(fields[1], CultureInfo.InvariantCulture),
            long.Parse(fields[19], CultureInfo.InvariantCulture));
    }

    private static string? ReadControlPort(string procDirectory, int pid)
    {
        string path = Path.Combine(procDirectory, pid.ToString(CultureInfo.InvariantCulture), "cmdline");
        string[] arguments = File.ReadAllText(path).Split('\0');
        int option = Array.IndexOf(arguments, ControlPortOption);
        return option >= 0 && option + 1 < arguments.Length ? arguments[option + 1] : null;
    }
}
