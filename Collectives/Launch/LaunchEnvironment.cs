using System.Collections;

namespace CollectivesSharp;

/// <summary>
/// Which rank of how many this process is, and where rank 0 can be reached: what the launcher wrote into the environment.
/// COLLECTIVES_JOB_ID, COLLECTIVES_MASTER_ADDR and COLLECTIVES_MASTER_PORT go before any launcher's own.
/// </summary>
public sealed record LaunchEnvironment
{
    /// <summary>The port of a MASTER_ADDR that is handed to an MPI launcher without MASTER_PORT (mpirun -x MASTER_ADDR=…).</summary>
    public const int DefaultMasterPort = 29501;

    public required LauncherKind Launcher { get; init; }

    public required int Rank { get; init; }

    public required int WorldSize { get; init; }

    /// <summary>The rank among those of this node, from 0; null if the launcher does not say.</summary>
    public int? LocalRank { get; init; }

    /// <summary>How many ranks the launcher put on this node; null if it does not say.</summary>
    public int? LocalSize { get; init; }

    /// <summary>
    /// The same on every rank of the job and different from that of any other job now on this machine; null if nothing tells.
    /// Opaque, may hold colons and slashes: hash it before it becomes part of a path.
    /// </summary>
    public string? JobId { get; init; }

    /// <summary>Host name or address for the rendezvous; set together with <see cref="MasterPort"/> or not at all.</summary>
    public string? MasterAddress { get; init; }

    public int? MasterPort { get; init; }

    /// <summary>
    /// The launcher's own store listens on <see cref="MasterPort"/> already (torchrun's agent), so rank 0 must take another port.
    /// </summary>
    public bool MasterPortTaken { get; init; }

    /// <summary>The address is COLLECTIVES_MASTER_ADDR's: somebody chose it for this SDK, also where all ranks share a machine.</summary>
    public bool MasterIsOwn { get; init; }

    /// <summary>False also when the launcher does not say how many ranks are on this node.</summary>
    public bool IsSingleNode => LocalSize == WorldSize;

    /// <summary>
    /// Reads this process's environment and, under Hydra, which leaves no job id there, the processes above this one.
    /// Without a launcher: rank 0 of 1.
    /// </summary>
    /// <exception cref="LaunchException">Variables are missing, malformed or contradict each other.</exception>
    public static LaunchEnvironment Detect()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return Detect(variables, () => HydraProxy.Find());
    }

    /// <summary>
    /// Reads <paramref name="variables"/> and nothing else, so <see cref="JobId"/> stays null under Hydra. An empty value counts as unset.
    /// </summary>
    /// <exception cref="LaunchException">Variables are missing, malformed or contradict each other.</exception>
    public static LaunchEnvironment Detect(IReadOnlyDictionary<string, string> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        return Detect(variables, () => null);
    }

    internal static LaunchEnvironment Detect(IReadOnlyDictionary<string, string> variables, Func<HydraProxy?> findProxy) =>
        new LaunchDetector(new EnvironmentVariables(variables), findProxy).Detect();
}
