using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>A slice of peer memory for one measurement, over the members on this rank's node. Its first <see cref="PingPong.Bytes"/> bytes are zero.</summary>
internal sealed class PairMemory : IDisposable
{
    private readonly PeerExchange _exchange;
    private readonly PeerSlice _slice;
    private readonly int[] _places;
    private readonly TimeSpan _timeout;
    private bool _isLeft;

    private PairMemory(PeerExchange exchange, PeerSlice slice, int[] places, TimeSpan timeout)
    {
        (_exchange, _slice, _places, _timeout) = (exchange, slice, places, timeout);
    }

    internal nint Own => _slice.Own;

    /// <summary>Of a rank in the group, on this node.</summary>
    internal nint Address(int rank) => _slice.Address(_places[rank]);

    /// <summary>Collective over the members on this node. Null on all of them, with the reason; without one where there is nobody else.</summary>
    internal static async Task<(PairMemory? Memory, string? Objection)> CreateAsync(GroupCoordinator group, IStore store, string prefix, nuint bytes, TimeSpan timeout, ILogger logger, CancellationToken cancellationToken)
    {
        GroupMember[] node = [.. group.Members.Where(member => member.NodeId == group.NodeId)];
        if (node.Length == 1)
            return (null, null);
        if (node.Length > PingPong.MostRanks)
            return (null, $"{node.Length} ranks on a node; {PingPong.MostRanks} have a place for their flags");
        int[] places = [.. group.Members.Select(member => Array.IndexOf(node, member))];
        PeerExchange? exchange = null;
        try
        {
            exchange = await PeerExchange.CreateAsync(group.Name, node, places[group.RankInGroup], store, prefix, timeout, logger, cancellationToken).ConfigureAwait(false);
            PeerSlice slice = await PeerArena.CreateSliceAsync(group.Device!, exchange, bytes, timeout, cancellationToken).ConfigureAwait(false);
            PairMemory memory = new(exchange, slice, places, timeout);
            exchange = null;
            return (memory, null);
        }
        catch (PeerMemoryException e)
        {
            return (null, e.Message);
        }
        finally
        {
            exchange?.Dispose();
        }
    }

    /// <summary>The group is aborted: peers may still write here.</summary>
    internal void Quarantine() => _slice.Quarantine();

    /// <summary>Work of this rank on it does not end: it stays as it is.</summary>
    internal void Leave()
    {
        _isLeft = true;
        _slice.Quarantine();
    }

    public void Dispose()
    {
        if (!_isLeft)
            _slice.CloseAsync(_timeout).GetAwaiter().GetResult();
        _exchange.Dispose();
    }
}
