namespace CollectivesSharp.Cuda;

/// <summary>
/// Device memory that all ranks of a node reach. A process holds it in blocks of 64 MiB or more a device; groups get slices of them. What a slice's ranks see is described at
/// <see cref="PeerSlice"/>.
/// </summary>
public static class PeerArena
{
    /// <summary>The unit of slices, and the smallest: 64 KiB.</summary>
    public const int SliceUnit = 64 << 10;

    /// <summary>Of a slice's address, on every rank that has it mapped: 256 bytes, what the driver promises for its memory. Of larger powers of two it is no multiple in general, and not of the same on all ranks.</summary>
    public const int Alignment = 256;

    /// <summary>The first bytes of a slice are zero when it is offered; all others are 0xFF.</summary>
    public const int ControlBytes = 32 << 10;

    /// <summary>
    /// Collective over the exchange's ranks, each with its device; several may share one. Allocates, maps (virtual memory by descriptors; where any rank is refused that, CUDA IPC; plain pointers between
    /// threads of one process) and then proves it: every rank copies a pattern into every other rank's slice, and what arrived is compared. COLLECTIVES_PEER_MEMORY=vmm or ipc leaves one way; one rank that
    /// asks for it decides for all. Not to be called while a stream of this thread is captured. <paramref name="bytes"/>: of each rank's slice, the same on all ranks, rounded up to <see cref="SliceUnit"/>.
    /// <paramref name="timeout"/>: of the whole; afterwards also how long <see cref="PeerSlice.DisposeAsync"/> waits.
    /// </summary>
    /// <exception cref="PeerMemoryException">On all ranks: there is no peer memory, with each rank's reasons. The exchange can still be used.</exception>
    /// <exception cref="TimeoutException">A rank did not come; the message names it. The exchange is of no more use, as after any other exception.</exception>
    public static Task<PeerSlice> CreateSliceAsync(CudaDevice device, IPeerExchange exchange, nuint bytes, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(exchange);
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        nuint rounded = checked((bytes + SliceUnit - 1) / SliceUnit * SliceUnit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((nuint)PeerCopyTest.BytesFor(exchange.Count), rounded, nameof(bytes));
        return new PeerSliceFormation(device, exchange, rounded, timeout, cancellationToken).FormAsync();
    }

    /// <summary>What this process holds on the device for all groups, quarantined slices included. Bytes.</summary>
    public static nuint AllocatedBytes(CudaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return DeviceArena.Of(device).AllocatedBytes;
    }

    /// <summary>
    /// Slices of this process on the device that nobody may use: of groups that were aborted, or closed while a peer did not answer. They come back once every rank of their group has closed its slice or its
    /// process has ended. Bytes.
    /// </summary>
    public static nuint QuarantinedBytes(CudaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return DeviceArena.Of(device).QuarantinedBytes;
    }
}
