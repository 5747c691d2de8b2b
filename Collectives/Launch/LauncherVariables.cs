namespace CollectivesSharp;

/// <summary>The names under which a launcher tells a process its rank. Where there are several, the first that is set counts.</summary>
internal sealed record LauncherVariables(LauncherKind Launcher, string Rank, string WorldSize)
{
    public required string[] LocalRank { get; init; }

    public required string[] LocalSize { get; init; }

    public required string[] JobId { get; init; }

    public required string Remedy { get; init; }

    public static LauncherVariables Slurm { get; } = new(LauncherKind.Slurm, "SLURM_PROCID", "SLURM_NTASKS")
    {
        LocalRank = ["SLURM_LOCALID"],
        LocalSize = [],
        JobId = [],
        Remedy = "Start the ranks with srun and leave the variables of its step unchanged, or unset SLURM_STEP_ID.",
    };

    /// <summary>All, in order of preference.</summary>
    public static IReadOnlyList<LauncherVariables> All { get; } =
    [
        new(LauncherKind.Collectives, "COLLECTIVES_RANK", "COLLECTIVES_WORLD_SIZE")
        {
            LocalRank = ["COLLECTIVES_LOCAL_RANK"],
            LocalSize = ["COLLECTIVES_LOCAL_SIZE"],
            JobId = [],
            Remedy = "Set COLLECTIVES_RANK and COLLECTIVES_WORLD_SIZE on every rank (the local pair is optional), or unset all four.",
        },
        new(LauncherKind.Torchrun, "RANK", "WORLD_SIZE")
        {
            LocalRank = ["LOCAL_RANK"],
            LocalSize = ["LOCAL_WORLD_SIZE"],
            JobId = [],
            Remedy = "Start the ranks with torchrun, or set RANK and WORLD_SIZE on every rank (the local pair is optional), or unset all four.",
        },
        new(LauncherKind.OpenMpi, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
        {
            LocalRank = ["OMPI_COMM_WORLD_LOCAL_RANK"],
            LocalSize = ["OMPI_COMM_WORLD_LOCAL_SIZE"],
            JobId = ["PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "OMPI_MCA_orte_hnp_uri"],
            Remedy = "Start the ranks with Open MPI's mpirun and leave its variables unchanged, or unset all OMPI_COMM_WORLD_*.",
        },
        new(LauncherKind.Mpich, "PMI_RANK", "PMI_SIZE")
        {
            LocalRank = ["MPI_LOCALRANKID", "PMI_LOCAL_RANK"],
            LocalSize = ["MPI_LOCALNRANKS", "PMI_LOCAL_SIZE"],
            JobId = ["PALS_APID", "PMI_JOBID"],
            Remedy = "Start the ranks with mpiexec without -pmi-port and leave its variables unchanged, or unset all PMI_* and MPI_LOCAL*.",
        },
        Slurm,
    ];

    /// <summary>
    /// Whether any variable of this launcher's own is set. LOCAL_RANK alone does not count: scripts export it for other launchers too.
    /// </summary>
    public bool AreIn(EnvironmentVariables variables) =>
        variables.Find(Rank, WorldSize) is not null
        || (Launcher != LauncherKind.Torchrun && variables.Find([.. LocalRank, .. LocalSize]) is not null);
}
