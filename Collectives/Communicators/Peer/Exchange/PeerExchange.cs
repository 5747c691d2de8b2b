using System.Globalization;
using System.Text;
using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp;

/// <summary>
/// The exchange of those members of a group that share this rank's node. Bytes go through the group's store, under a number that all ranks count alike; descriptors over local sockets; the boards lie in a
/// segment of the first member's. Lives as long as the group; boards that are still open outlive it.
/// </summary>
internal sealed class PeerExchange : IPeerExchange, IDisposable
{
    private const int BoardBytes = 64 << 10;

    private readonly GroupMember[] _node;
    private readonly PeerProcess[] _processes;
    private readonly IStore _store;
    private readonly string _prefix;
    private readonly ILogger _logger;
    private SharedSegment? _segment;
    private long _step;
    private int _boards;

    private PeerExchange(string group, GroupMember[] node, int rank, IStore store, string prefix, ILogger logger)
    {
        (Group, _node, Rank, _store, _logger) = (group, node, rank, store, logger);
        _prefix = $"{prefix}/peer/{node[0].Rank}";
        _processes = [.. node.Select(member => new PeerProcess(member.ProcessId, member.ProcessStartTime))];
    }

    public string Group { get; }

    public int Rank { get; }

    public int Count => _node.Length;

    /// <summary>Collective over the members of one node, two or more.</summary>
    /// <exception cref="PeerMemoryException">On all of them: they share no memory or no sockets.</exception>
    /// <exception cref="TimeoutException">Somebody did not come.</exception>
    internal static Task<PeerExchange> CreateAsync(NcclContext context, CancellationToken cancellationToken)
    {
        GroupMember self = context.Members[context.RankInGroup];
        GroupMember[] node = [.. context.Members.Where(member => member.NodeId == self.NodeId)];
        return CreateAsync(context.Options.Name, node, Array.IndexOf(node, self), context.Store, context.KeyPrefix, context.Options.Timeout, context.Logger, cancellationToken);
    }

    internal static async Task<PeerExchange> CreateAsync(string group, GroupMember[] node, int rank, IStore store, string prefix, TimeSpan timeout, ILogger logger, CancellationToken cancellationToken)
    {
        PeerExchange exchange = new(group, node, rank, store, prefix, logger);
        try
        {
            string? objection = await exchange.ShareSegmentAsync(timeout, cancellationToken).ConfigureAwait(false);
            IReadOnlyDictionary<int, string> objections = await exchange.VoteAsync("exchange", objection, timeout, cancellationToken).ConfigureAwait(false);
            return objections.Count == 0
                ? exchange
                : throw new PeerMemoryException($"Group {group} has no peer memory: its ranks can't exchange descriptors. {string.Join("; ", objections.Select(item => $"{exchange.Describe(item.Key)}: {item.Value}"))}.");
        }
        catch
        {
            exchange.Dispose();
            throw;
        }
    }

    public PeerProcess ProcessOf(int rank) => _processes[rank];

    public string Describe(int rank) => _node[rank].ToString();

    public async Task<byte[][]> AllGatherAsync(ReadOnlyMemory<byte> own, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long step = ++_step;
        string[] keys = [.. Enumerable.Range(0, Count).Select(rank => Key(step, rank))];
        await _store.SetAsync(keys[Rank], own, cancellationToken).ConfigureAwait(false);
        try
        {
            await _store.WaitAsync(keys, timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            List<string> missing = [];
            for (int rank = 0; rank < Count; rank++)
            {
                if (await _store.TryGetAsync(keys[rank], cancellationToken).ConfigureAwait(false) is null)
                    missing.Add(Describe(rank));
            }

            throw new TimeoutException($"Group {Group}: {string.Join(", ", missing)} did not come to step {step} of its peer memory in time.");
        }

        byte[][] all = new byte[Count][];
        for (int rank = 0; rank < Count; rank++)
            all[rank] = rank == Rank ? own.ToArray() : await _store.GetAsync(keys[rank], timeout, cancellationToken).ConfigureAwait(false);

        // All have begun this step, so all have read the one before.
        if (step > 1)
            await _store.DeleteAsync(Key(step - 1, Rank), cancellationToken).ConfigureAwait(false);
        return all;
    }

    public async Task<SafeFileHandle?[]> ExchangeDescriptorsAsync(SafeFileHandle? own, IReadOnlyCollection<int> from, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        DescriptorHandout? handout = null;
        SafeFileHandle?[] received = new SafeFileHandle?[Count];
        try
        {
            string offer = "";
            Exception? failure = null;
            try
            {
                if (own is not null)
                {
                    handout = new DescriptorHandout(own, "peer");
                    offer = $"{handout.SocketName} {handout.Nonce}";
                }
            }
            catch (IOException e)
            {
                failure = e;
            }

            byte[][] offers = await AllGatherAsync(Encoding.UTF8.GetBytes(offer), Left(), cancellationToken).ConfigureAwait(false);
            if (failure is null)
                failure = await ReceiveAsync(offers, from, received, Left(), cancellationToken).ConfigureAwait(false);

            // Whoever has come here asks no more.
            await BarrierAsync(Left(), cancellationToken).ConfigureAwait(false);
            if (failure is null)
                return received;
            throw new IOException(failure.Message, failure);
        }
        catch
        {
            foreach (SafeFileHandle? descriptor in received)
                descriptor?.Dispose();
            throw;
        }
        finally
        {
            if (handout is not null)
                await handout.DisposeAsync().ConfigureAwait(false);
        }

        TimeSpan Left() => TimeSpan.FromMilliseconds(Math.Max(0, deadline - Environment.TickCount64));
    }

    public Task BarrierAsync(TimeSpan timeout, CancellationToken cancellationToken) => AllGatherAsync(ReadOnlyMemory<byte>.Empty, timeout, cancellationToken);

    public async Task<IReadOnlyDictionary<int, string>> VoteAsync(string subject, string? objection, TimeSpan timeout, CancellationToken cancellationToken)
    {
        string prefix = $"{_prefix}/{(++_step).ToString(CultureInfo.InvariantCulture)}";
        try
        {
            GroupVote vote = await GroupVote.HoldAsync(_store, prefix, subject, [.. Enumerable.Range(0, Count)], Rank, objection, timeout, cancellationToken).ConfigureAwait(false);
            return vote.Objections;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Group {Group}: {Describe(0)} did not say in time how the vote on {subject} ended; it has ended or hangs.");
        }
    }

    public IPeerBoard OpenBoard()
    {
        ObjectDisposedException.ThrowIf(_segment is null, this);
        int row = _boards++;
        if ((row + 1) * Count * sizeof(int) > BoardBytes)
            throw new InvalidOperationException($"Group {Group}: a group's exchange has {BoardBytes / sizeof(int) / Count} boards, one for each slice that it ever had.");
        return new PeerBoard(_segment, row, _processes, Rank);
    }

    public void Warn(string message) => _logger.LogWarning("{Message}", message);

    public void Dispose()
    {
        _segment?.Dispose();
        _segment = null;
    }

    private string Key(long step, int rank) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}/{step}/{rank}");

    /// <summary>Null, or what this rank has against it.</summary>
    private async Task<string?> ShareSegmentAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        SafeFileHandle? descriptor = null;
        string? objection = null;
        try
        {
            try
            {
                if (Rank == 0)
                {
                    descriptor = new SafeFileHandle(SharedSegment.Create(BoardBytes), ownsHandle: true);
                    _segment = SharedSegment.Map((int)descriptor.DangerousGetHandle(), BoardBytes);
                }
            }
            catch (IOException e)
            {
                objection = e.Message;
            }

            try
            {
                SafeFileHandle?[] received = await ExchangeDescriptorsAsync(descriptor, Rank == 0 ? [] : [0], timeout, cancellationToken).ConfigureAwait(false);
                using SafeFileHandle? first = received[0];
                if (first is not null)
                    _segment = SharedSegment.Map((int)first.DangerousGetHandle(), BoardBytes);
            }
            catch (IOException e) when (e is not StoreException)
            {
                objection ??= e.Message;
            }

            return objection;
        }
        finally
        {
            descriptor?.Dispose();
        }
    }

    /// <summary>Null, or why one did not come.</summary>
    private async Task<Exception?> ReceiveAsync(byte[][] offers, IReadOnlyCollection<int> from, SafeFileHandle?[] received, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        foreach (int rank in from)
        {
            try
            {
                string[] parts = Encoding.UTF8.GetString(offers[rank]).Split(' ');
                if (parts.Length != 2)
                    return new IOException($"{Describe(rank)} hands out no descriptor");
                received[rank] = new SafeFileHandle(await DescriptorHandout.ReceiveAsync(parts[0], parts[1], deadline.Token).ConfigureAwait(false), ownsHandle: true);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return new IOException($"the descriptor of {Describe(rank)} did not come in time");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new IOException($"{Describe(rank)}: {e.Message}", e);
            }
        }

        return null;
    }
}
