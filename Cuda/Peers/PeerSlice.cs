namespace CollectivesSharp.Cuda;

/// <summary>
/// A group's peer memory: of each rank as many bytes, on that rank's device, all of them mapped on this rank's. The first <see cref="PeerArena.ControlBytes"/> of every slice begin as zero, the rest as 0xFF.
/// </summary>
/// <remarks>
/// Whoever uses it sees to it that this rank's work on it (its own slice and the peers') is over before <see cref="CloseAsync"/>. A group that is aborted calls <see cref="Quarantine"/> first: the memory then is
/// nobody's until each rank has drained its streams and closed, or its process has ended. Any thread; closing twice does nothing. Closing synchronises no device, but where CUDA IPC took the place of descriptors
/// (<see cref="Kind"/>) and the last slice of a block goes: there the driver waits for everything on the device, so that no other group's kernels may wait for this thread.
/// </remarks>
public sealed class PeerSlice : IAsyncDisposable
{
    private const int LongestPauseMilliseconds = 20;

    private readonly IPeerExchange _exchange;
    private readonly IPeerBoard _board;
    private readonly TimeSpan _timeout;
    private readonly nint[] _addresses;
    private readonly PeerMapping[] _mappings;
    private readonly PeerImport?[] _imports;
    private readonly Lock _lock = new();
    private PeerLease? _lease;
    private bool _quarantined;
    private Task<bool>? _closing;

    internal PeerSlice(CudaDevice device, IPeerExchange exchange, nuint bytes, TimeSpan timeout)
    {
        (Device, _exchange, Bytes, _timeout) = (device, exchange, bytes, timeout);
        _addresses = new nint[exchange.Count];
        _mappings = new PeerMapping[exchange.Count];
        _imports = new PeerImport?[exchange.Count];
        _board = exchange.OpenBoard();
    }

    public CudaDevice Device { get; }

    public int Rank => _exchange.Rank;

    public int Count => _exchange.Count;

    /// <summary>Of each rank's slice.</summary>
    public nuint Bytes { get; }

    /// <summary>CUdeviceptr of this rank's slice on its own device; a multiple of <see cref="PeerArena.Alignment"/>, as every rank's is.</summary>
    public nint Own => _addresses[Rank];

    /// <summary>CUdeviceptr of a rank's slice for kernels and copies of this rank's device; throws <see cref="ObjectDisposedException"/> once it is closed.</summary>
    public nint Address(int rank)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _closing) is not null, this);
        return _addresses[rank];
    }

    public PeerMapping Kind(int rank) => _mappings[rank];

    /// <summary>
    /// The group is aborted and work of it may still be under way, here or on a peer: from now on closing waits for nobody, and the memory is not used again before every rank has closed. Never waits, never throws.
    /// </summary>
    public void Quarantine()
    {
        lock (_lock)
        {
            if (_quarantined || _closing is not null)
                return;
            _quarantined = true;
            DeviceArena.Of(Device).Quarantine(_lease, _board, Count);
        }
    }

    /// <summary>
    /// This rank's streams are drained: closes its mappings, waits until all ranks have done so and frees the memory. A rank that has not closed at the deadline (its process is stopped, its kernels may live on) is
    /// told to the operator, and the memory goes to the quarantine, as it does when the wait is cancelled. A rank whose process has ended counts as closed.
    /// </summary>
    /// <returns>True: freed. False: quarantined.</returns>
    public Task<bool> CloseAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_closing is not null)
                return _closing;
            CloseMappings();
            _board.Announce(DeviceArena.Closed);
            return _closing = _quarantined ? Task.FromResult(false) : FreeAsync(timeout, cancellationToken);
        }
    }

    /// <summary>Closes, with the deadline that the slice was made with.</summary>
    public async ValueTask DisposeAsync() => await CloseAsync(_timeout).ConfigureAwait(false);

    internal void SetOwn(PeerLease lease)
    {
        _lease = lease;
        _addresses[Rank] = lease.Address;
    }

    internal void SetPeer(int rank, PeerMapping mapping, nint address, PeerImport? import) => (_mappings[rank], _addresses[rank], _imports[rank]) = (mapping, address, import);

    /// <summary>Of a rank that leaves the formation and waits for nobody. <paramref name="isDrained"/>: no copy of it is under way.</summary>
    internal void Abandon(bool isDrained)
    {
        lock (_lock)
        {
            if (_closing is not null)
                return;
            if (isDrained)
            {
                CloseMappings();
                _board.Announce(DeviceArena.Closed);
            }

            _closing = Task.FromResult(false);
            DeviceArena.Of(Device).Quarantine(_lease, _board, Count);
        }
    }

    private void CloseMappings()
    {
        for (int rank = 0; rank < Count; rank++)
        {
            if (_imports[rank] is not { } import)
                continue;
            _imports[rank] = null;
            if (!import.Release())
                _exchange.Warn($"Group {_exchange.Group}: the driver did not unmap the memory of {_exchange.Describe(rank)} from device {Device}.");
        }
    }

    private async Task<bool> FreeAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        bool all = false;
        try
        {
            all = await WaitForAllAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            DeviceArena arena = DeviceArena.Of(Device);
            if (all)
            {
                _board.Dispose();
                if (_lease is not null)
                    arena.Release(_lease);
            }
            else
            {
                IEnumerable<string> late = Enumerable.Range(0, Count).Where(rank => !DeviceArena.IsDone(_board, rank)).Select(_exchange.Describe);
                _exchange.Warn($"Group {_exchange.Group}: {Bytes} bytes of peer memory on device {Device} stay allocated: {string.Join(", ", late)} did not close theirs within {timeout.TotalSeconds:0.###} s.");
                arena.Quarantine(_lease, _board, Count);
            }
        }

        return all;
    }

    private async Task<bool> WaitForAllAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        for (int pause = 1; ; pause = Math.Min(pause * 2, LongestPauseMilliseconds))
        {
            if (Enumerable.Range(0, Count).All(rank => DeviceArena.IsDone(_board, rank)))
                return true;
            if (Environment.TickCount64 >= deadline)
                return false;
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }
    }
}
