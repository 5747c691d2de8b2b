namespace CollectivesSharp.Cuda;

/// <summary>All peer memory of this process on one device: blocks, the slices that are leased from them, and those that nobody may have yet. Any thread.</summary>
internal sealed class DeviceArena
{
    /// <summary>What a rank has said on a board once its work on the slices is over and it has closed its mappings.</summary>
    internal const int Closed = 1;

    private const int BlockBytes = 64 << 20;

    private static readonly Lock s_lock = new();
    private static readonly Dictionary<int, DeviceArena> s_all = [];

    private readonly Lock _lock = new();
    private readonly CudaDevice _device;
    private readonly List<PeerBlock> _blocks = [];
    private readonly List<Quarantined> _quarantine = [];

    private DeviceArena(CudaDevice device) => _device = device;

    internal nuint AllocatedBytes
    {
        get
        {
            lock (_lock)
            {
                Sweep();
                return Sum(_blocks.Select(block => block.Bytes));
            }
        }
    }

    internal nuint QuarantinedBytes
    {
        get
        {
            lock (_lock)
            {
                Sweep();
                return Sum(_quarantine.Select(item => item.Lease.Bytes));
            }
        }
    }

    internal static DeviceArena Of(CudaDevice device)
    {
        lock (s_lock)
        {
            if (!s_all.TryGetValue(device.Ordinal, out DeviceArena? arena))
                s_all[device.Ordinal] = arena = new DeviceArena(device);
            return arena;
        }
    }

    /// <summary>Throws <see cref="CudaException"/> if there is no room in a block of this kind and the driver gives no other.</summary>
    internal PeerLease Take(nuint bytes, PeerWay way, bool exportable)
    {
        lock (_lock)
        {
            Sweep();
            foreach (PeerBlock block in _blocks)
            {
                if (block.Way == way && (block.IsExportable || !exportable) && block.Free.TryTake(bytes, out nuint offset))
                    return new PeerLease(block, offset, bytes);
            }

            PeerBlock added = PeerBlock.Allocate(_device, way, nuint.Max(bytes, BlockBytes), exportable);
            _blocks.Add(added);
            added.Free.TryTake(bytes, out nuint first);
            return new PeerLease(added, first, bytes);
        }
    }

    /// <summary>Lets a device of this process touch a block of this device.</summary>
    internal void Grant(PeerBlock block, CudaDevice device)
    {
        lock (_lock)
            block.GrantTo(device);
    }

    /// <summary>No rank has it mapped, and nothing uses it any more. The block's last slice takes the block along.</summary>
    internal void Release(PeerLease lease)
    {
        lock (_lock)
            ReleaseLocked(lease);
    }

    /// <summary>Until every rank of the board has closed or its process has ended. The board is now the arena's; without a lease there is nothing to keep.</summary>
    internal void Quarantine(PeerLease? lease, IPeerBoard board, int ranks)
    {
        if (lease is null)
        {
            board.Dispose();
            return;
        }

        lock (_lock)
            _quarantine.Add(new Quarantined(lease, board, ranks));
    }

    /// <summary>Whether the rank's work on the slices of a board is over for good.</summary>
    internal static bool IsDone(IPeerBoard board, int rank) => board.Announced(rank) == Closed || board.HasEnded(rank);

    /// <summary>Looked at whenever the arena is used: no thread waits for what may never come.</summary>
    private void Sweep()
    {
        for (int i = _quarantine.Count - 1; i >= 0; i--)
        {
            Quarantined item = _quarantine[i];
            if (!Enumerable.Range(0, item.Ranks).All(rank => IsDone(item.Board, rank)))
                continue;
            _quarantine.RemoveAt(i);
            item.Board.Dispose();
            ReleaseLocked(item.Lease);
        }
    }

    private void ReleaseLocked(PeerLease lease)
    {
        lease.Block.Free.Give(lease.Offset, lease.Bytes);
        if (!lease.Block.Free.IsWhole)
            return;
        _blocks.Remove(lease.Block);
        lease.Block.Release();
    }

    private static nuint Sum(IEnumerable<nuint> parts) => parts.Aggregate((nuint)0, (sum, part) => sum + part);

    private sealed record Quarantined(PeerLease Lease, IPeerBoard Board, int Ranks);
}
