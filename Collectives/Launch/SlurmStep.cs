using System.Globalization;

namespace CollectivesSharp;

/// <summary>A job step of srun. The shells of salloc and sbatch have SLURM_PROCID=0 and SLURM_NTASKS as well, but are no such step.</summary>
internal readonly record struct SlurmStep(uint JobId, uint StepId)
{
    /// <summary>From here on SLURM numbers what srun did not start: batch scripts, interactive shells, the extern step.</summary>
    private const uint FirstReservedStep = 4294967280;

    private const int FirstMasterPort = 20000;
    private const int MasterPorts = 10000;

    public string Id => string.Create(CultureInfo.InvariantCulture, $"{JobId}.{StepId}");

    /// <summary>Equal on every rank without a message. Consecutive jobs, and the first steps of one, get different ports.</summary>
    public int MasterPort => FirstMasterPort + (int)((JobId * 31ul + StepId) % MasterPorts);

    public static SlurmStep? Find(EnvironmentVariables variables)
    {
        if (variables.Find("SLURM_STEP_ID") is not { } step || !TryParse(step.Value, out uint stepId) || stepId >= FirstReservedStep)
            return null;

        if (variables.Find("SLURM_JOB_ID") is not { } job)
            throw new LaunchException($"{step} is set, SLURM_JOB_ID is not set. {LauncherVariables.Slurm.Remedy}");
        return TryParse(job.Value, out uint jobId)
            ? new(jobId, stepId)
            : throw new LaunchException($"{job} is not a number from 0 to {uint.MaxValue}. {LauncherVariables.Slurm.Remedy}");
    }

    public static LaunchNumber? LocalSize(EnvironmentVariables variables)
    {
        if (variables.Find("SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE") is not { } tasks
            || variables.Find("SLURM_NODEID") is not { } node)
            return null;

        int nodeIndex = node.Number().Value;
        int localSize = Parse(tasks, list => SlurmLists.TasksOnNode(list, nodeIndex))
            ?? throw new LaunchException($"{tasks} has no node {nodeIndex}, but {node}. {LauncherVariables.Slurm.Remedy}");
        return new(localSize, $"{tasks} at {node}");
    }

    public static string? FirstHost(EnvironmentVariables variables) =>
        variables.Find("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST") is { } nodes
            ? Parse(nodes, list => SlurmLists.ExpandHosts(list).First())
            : null;

    private static T Parse<T>(EnvironmentVariable variable, Func<string, T> parse)
    {
        try
        {
            return parse(variable.Value);
        }
        catch (FormatException malformed)
        {
            throw new LaunchException($"{variable} is malformed: {malformed.Message} {LauncherVariables.Slurm.Remedy}", malformed);
        }
    }

    private static bool TryParse(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
