namespace CollectivesSharp;

/// <summary>What <see cref="GroupCoordinator.Register"/> makes of a buffer.</summary>
public enum RegistrationKind
{
    /// <summary>ncclCommRegister: peers and network cards reach the buffer itself, so that large messages are not staged. Any device memory.</summary>
    Local,

    /// <summary>
    /// A symmetric window (ncclCommWindowRegister, NCCL 2.27.3 or newer; results of small messages are right from 2.28.7 on): the same offset of the same size on every rank, which opens
    /// the one-hop kernels. <see cref="Cuda.DeviceMemoryKind.Shareable"/> memory; input and output must both be registered to profit, and a call has to have them in windows, at the same offsets, on all ranks or on none: an all-reduce's route
    /// depends on it (<see cref="AllReduceRoute.NcclSymmetric"/>). NCCL is not given parts of 8- or 16-bit elements that don't begin at multiples of 4 bytes, which 2.28.9 gets wrong: where our kernels can't do it either, the call is refused.
    /// </summary>
    Symmetric,
}
