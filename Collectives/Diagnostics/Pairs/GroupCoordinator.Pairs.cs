namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    private int _pairMeasurements;

    /// <summary>
    /// Measures what every ordered pair of ranks really moves, one pair after the other: the bandwidth of large copies, each of which is checked, and the latency of a flag. GPUs that reach each other are measured by
    /// peer access, others by NCCL, ranks without a GPU by messages of host memory. Collective: every member calls, in the order of the group's other calls, with equal options. Takes tens of milliseconds a
    /// pair. Work that runs on the devices meanwhile makes the numbers worse, and it allocates and loads kernels: not while peers wait in kernels for this process, nor while capturing.
    /// </summary>
    /// <param name="options">Sizes, counts and deadline.</param>
    /// <param name="topology">What <see cref="GatherTopologyAsync"/> gave; null on all ranks: it is gathered.</param>
    /// <param name="cancellationToken">Cancelling while others take part aborts the group, as with any call.</param>
    /// <exception cref="ArgumentException">Options that make no sense, or differ between ranks: then on all of them.</exception>
    /// <exception cref="CollectiveException">A rank was lost or did not come, or work on a device did not end by the deadline; the group is faulted.</exception>
    public async Task<PairMeasurements> MeasurePairsAsync(PairOptions? options = null, GroupTopology? topology = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        options ??= new PairOptions();
        options.Validate();
        topology ??= await GatherTopologyAsync(null, cancellationToken).ConfigureAwait(false);
        TimeSpan timeout = options.Timeout ?? _options.Timeout;
        string prefix = $"{_prefix}/pairs/{Interlocked.Increment(ref _pairMeasurements)}";
        PairRun run = new(this, options with { Timeout = timeout }, topology, bytes => PairMemory.CreateAsync(this, _lease.Store, prefix, bytes, timeout, _logger, cancellationToken), cancellationToken);
        // A thread of its own: ranks of one process wait for each other here, and the pool has fewer threads than they are.
        return await Task.Factory.StartNew(run.Measure, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
    }
}
