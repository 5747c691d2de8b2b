namespace CollectivesSharp;

internal sealed class LaunchDetector(EnvironmentVariables variables, Func<HydraProxy?> findProxy)
{
    private static readonly string[] _torchrunJob = ["TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT"];

    public LaunchEnvironment Detect()
    {
        LaunchEnvironment environment = LauncherVariables.All.FirstOrDefault(IsLauncher) is { } names
            ? ReadRanks(names)
            : new() { Launcher = LauncherKind.None, Rank = 0, WorldSize = 1, LocalRank = 0, LocalSize = 1 };
        environment = environment with { JobId = variables.Value("COLLECTIVES_JOB_ID") ?? environment.JobId };

        return MasterEndpoint.Find(variables, environment) is { } master
            ? environment with { MasterAddress = master.Address, MasterPort = master.Port, MasterPortTaken = master.IsTaken, MasterIsOwn = master.IsOwn }
            : environment;
    }

    private bool IsLauncher(LauncherVariables names) => names.AreIn(variables) && names.Launcher switch
    {
        LauncherKind.Slurm => SlurmStep.Find(variables) is not null,
        LauncherKind.Mpich => !IsPmiOfSrun(names),
        _ => true,
    };

    /// <summary>
    /// srun's PMI plug-ins set PMI_RANK and PMI_SIZE too, but only SLURM's variables tell the local size and the nodes.
    /// MPI_LOCALRANKID is Hydra's, whose proxies srun may have started.
    /// </summary>
    private bool IsPmiOfSrun(LauncherVariables pmi) =>
        variables.Find("MPI_LOCALRANKID") is null
        && variables.Value(pmi.Rank) == variables.Value(LauncherVariables.Slurm.Rank)
        && variables.Value(pmi.WorldSize) == variables.Value(LauncherVariables.Slurm.WorldSize)
        && SlurmStep.Find(variables) is not null;

    private LaunchEnvironment ReadRanks(LauncherVariables names)
    {
        (LaunchNumber rank, LaunchNumber worldSize) = ReadWorld(names);
        LaunchNumber? localRank = variables.Find(names.LocalRank)?.Number();
        LaunchNumber? localSize = names.Launcher == LauncherKind.Slurm
            ? SlurmStep.LocalSize(variables)
            : variables.Find(names.LocalSize)?.Number();

        RequireBelow(rank, worldSize, names);
        if (localSize is { } ofNode)
        {
            if (localRank is null)
                throw new LaunchException($"{ofNode.Source} is set, {string.Join(" or ", names.LocalRank)} is not set. {names.Remedy}");
            RequireBelow(localRank.Value, ofNode, names);
            RequireAtMost(ofNode, worldSize, names);
        }

        if (localRank is { } onNode)
            RequireAtMost(onNode, rank, names);
        if (names.Launcher == LauncherKind.OpenMpi)
            RequirePmixToAgree(rank, names);

        var environment = new LaunchEnvironment
        {
            Launcher = names.Launcher,
            Rank = rank.Value,
            WorldSize = worldSize.Value,
            LocalRank = localRank?.Value,
            LocalSize = localSize?.Value,
        };
        return environment with { JobId = FindJobId(names, environment.IsSingleNode) };
    }

    private (LaunchNumber Rank, LaunchNumber WorldSize) ReadWorld(LauncherVariables names)
    {
        EnvironmentVariable? rank = variables.Find(names.Rank);
        EnvironmentVariable? worldSize = variables.Find(names.WorldSize);
        if (rank is { } r && worldSize is { } s)
            return (r.Number(), s.Number());

        EnvironmentVariable found = (rank ?? worldSize ?? variables.Find([.. names.LocalRank, .. names.LocalSize]))!.Value;
        string missing = (rank, worldSize) switch
        {
            (null, null) => $"{names.Rank} and {names.WorldSize} are not set",
            (null, _) => $"{names.Rank} is not set",
            _ => $"{names.WorldSize} is not set",
        };
        throw new LaunchException($"{found} is set, {missing}. {names.Remedy}");
    }

    private static void RequireBelow(LaunchNumber rank, LaunchNumber size, LauncherVariables names)
    {
        if (rank.Value >= size.Value)
            throw new LaunchException($"{rank.Source} is not below {size.Source}. {names.Remedy}");
    }

    private static void RequireAtMost(LaunchNumber part, LaunchNumber whole, LauncherVariables names)
    {
        if (part.Value > whole.Value)
            throw new LaunchException($"{part.Source} is above {whole.Source}. {names.Remedy}");
    }

    private void RequirePmixToAgree(LaunchNumber rank, LauncherVariables names)
    {
        if (variables.Find("PMIX_RANK")?.Number() is { } pmixRank && pmixRank.Value != rank.Value)
            throw new LaunchException($"{pmixRank.Source} contradicts {rank.Source}. {names.Remedy}");
    }

    private string? FindJobId(LauncherVariables names, bool isSingleNode) => names.Launcher switch
    {
        LauncherKind.Torchrun => TorchrunJobId(),
        LauncherKind.Slurm => SlurmStep.Find(variables)?.Id,
        LauncherKind.Mpich => variables.Value(names.JobId) ?? findProxy()?.JobId(isSingleNode),
        _ => variables.Value(names.JobId),
    };

    private string? TorchrunJobId()
    {
        string[] parts = [.. _torchrunJob.Select(name => variables.Value(name)).OfType<string>()];
        return parts.Length == 0 ? null : string.Join('/', parts);
    }
}
