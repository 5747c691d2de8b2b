namespace CollectivesSharp;

/// <summary>Who started the ranks, in the order of preference: the first whose variables are set is believed.</summary>
public enum LauncherKind
{
    /// <summary>No launcher's variables are set: a world of one.</summary>
    None,

    /// <summary>COLLECTIVES_RANK and its siblings, set by our own launcher or by hand.</summary>
    Collectives,

    /// <summary>RANK and WORLD_SIZE: torchrun, or a script that sets the same variables.</summary>
    Torchrun,

    /// <summary>OMPI_COMM_WORLD_RANK: Open MPI's mpirun.</summary>
    OpenMpi,

    /// <summary>PMI_RANK: the Hydra launcher of MPICH and Intel MPI, and Cray PALS.</summary>
    Mpich,

    /// <summary>SLURM_PROCID inside a step that srun started.</summary>
    Slurm,
}
