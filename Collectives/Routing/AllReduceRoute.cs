namespace CollectivesSharp;

/// <summary>How an all-reduce of device memory travels.</summary>
public enum AllReduceRoute
{
    /// <summary>No way: the call throws <see cref="NotSupportedException"/> with the reason.</summary>
    None,

    /// <summary>Every rank pushes its input to every other and reduces what it has received, in rank order: our kernel, for small messages.</summary>
    OneShot,

    /// <summary>Every rank pushes each part to its owner, which reduces it and pushes the result to every other rank: our kernel, for medium messages.</summary>
    TwoShot,

    /// <summary>The two-shot piece by piece through a ring that stays in the second-level cache: our kernel, for large messages of any length.</summary>
    Windowed,

    Nccl,

    /// <summary>NCCL on input and output in symmetric windows (<see cref="RegistrationKind.Symmetric"/>), for which it has kernels of its own: sums of floats of up to 32 bits. Such calls go to NCCL in no other way.</summary>
    NcclSymmetric,

    /// <summary>
    /// The two-shot by copy engines, a few kernels beside them that reduce: for long messages whose output lies in memory of <see cref="GroupCoordinator.AllocateRegisteredAsync"/> on all ranks. Taken for
    /// floats of up to 32 bits above 64 MiB by two ranks on GPUs of compute capability 9.0 over NVLink, elsewhere where the group is told to, or has measured it to be the fastest (<see cref="GroupOptions.AllReduceTuning"/>). Not where ranks share a GPU.
    /// </summary>
    CopyEngine,

    /// <summary>
    /// The windowed two-shot whose results go straight into every rank's output, which lies in memory of <see cref="GroupCoordinator.AllocateRegisteredAsync"/> on all ranks: our kernel, for messages of any length. Taken for
    /// floats of up to 32 bits by two ranks on such GPUs from 8 to 64 MiB, above that too where they share a GPU; otherwise as <see cref="CopyEngine"/> is.
    /// </summary>
    Registered,
}
