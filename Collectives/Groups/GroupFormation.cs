using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CollectivesSharp;

/// <summary>What the members have agreed on.</summary>
internal sealed record FormedGroup(GroupMember[] Members, int RankInGroup, long Generation, IHostCommunicator? Host, FormedDevice Device, IReadOnlyList<GroupVote> Votes);

/// <summary>How ranks become a group: say hello, compare, share memory, vote.</summary>
internal static class GroupFormation
{
    internal static ILogger Logger(GroupOptions options) => options.LoggerFactory?.CreateLogger("CollectivesSharp") ?? NullLogger.Instance;

    internal static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];

    internal static async Task<FormedGroup> FormAsync(IStore store, string prefix, int[] ranks, int rankInGroup, int? localRank, GroupOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        DeviceSelection selection = DeviceSelection.Choose(options, ranks[rankInGroup], localRank);
        GroupHello own = new() { Member = Describe(ranks[rankInGroup], ranks.Length, localRank, selection, options), Agreed = GroupAgreement.Terms(options, ranks.Length) };
        GroupRoster roster = await MeetAsync(store, prefix, ranks, rankInGroup, own, options, cancellationToken).ConfigureAwait(false);
        int[] missing = [.. ranks.Where((_, member) => member >= roster.Hellos.Length || roster.Hellos[member] is null)];
        GroupHello[] hellos = [.. roster.Hellos.OfType<GroupHello>()];
        if (GroupAgreement.FindMismatch([.. hellos.Where(hello => hello.Member.Rank != own.Member.Rank), own]) is { } mismatch)
            throw new GroupMismatchException($"Group {options.Name} can't be made: {mismatch}.");
        if (missing.Length > 0)
            throw new GroupCreationException($"Group {options.Name} can't be made: {GroupMember.NameRanks(missing)} of {ranks.Length} did not arrive within {options.Timeout.TotalSeconds:0.###} s.");
        if (roster.Generation == 0)
            throw new GroupCreationException($"Group {options.Name} can't be made: all ranks arrived, and {GroupMember.NameRanks(ranks[..1])} did not say so within {options.Timeout.TotalSeconds:0.###} s; it has ended or hangs.");

        GroupMember[] members = [.. hellos.Select(hello => hello.Member)];
        List<GroupVote> votes = [];
        IHostCommunicator? host = null;
        if (members.Length > 1 && HostTransports.Resolve(options) is { } transport)
        {
            HostTransportContext context = new() { Options = options, Members = members, RankInGroup = rankInGroup, Generation = roster.Generation, Store = store, KeyPrefix = prefix, Logger = logger };
            host = await HostTransports.CreateAsync(transport, context, votes, cancellationToken).ConfigureAwait(false);
        }
        else if (members.Length > 1)
            host = await ConnectAsync(store, prefix, members, rankInGroup, roster.Generation, options, votes, logger, cancellationToken).ConfigureAwait(false);
        try
        {
            NcclContext context = new() { Options = options, Members = members, RankInGroup = rankInGroup, Store = store, KeyPrefix = prefix, Device = selection.Device, Host = host, Logger = logger };
            FormedDevice device = await DeviceFormation.FormAsync(context, votes, cancellationToken).ConfigureAwait(false);
            logger.LogDebug("Group {Name} of {Count} ranks, generation {Generation}: {Votes}", options.Name, members.Length, roster.Generation, votes);
            return new FormedGroup(members, rankInGroup, roster.Generation, host, device, votes);
        }
        catch
        {
            host?.Dispose();
            throw;
        }
    }

    private static GroupMember Describe(int rank, int worldSize, int? localRank, DeviceSelection selection, GroupOptions options)
    {
        // Loaded only where it can be of use: it is a large library.
        (MemberNccl? nccl, string? ncclObjection) = selection.Device is not null && worldSize > 1 ? NcclLibrary.Find() : (null, null);
        return new GroupMember
        {
            Rank = rank,
            Host = Environment.MachineName,
            ProcessId = Environment.ProcessId,
            ProcessStartTime = ProcessIdentity.OwnStartTime,
            NodeId = options.HostId ?? NodeIdentity.Current,
            NetworkId = NodeIdentity.Network,
            LocalRank = localRank,
            AllowedProcessors = AllowedProcessors.Own(),
            ProcessorCount = Environment.ProcessorCount,
            Device = selection.Device is { } device ? MemberDevice.Of(device) : null,
            DeviceObjection = selection.Objection,
            DeviceRequired = selection.IsRequired,
            Nccl = nccl,
            NcclObjection = ncclObjection,
        };
    }

    /// <summary>Every member says hello under its own key; the first one waits for all of them and publishes the roster, complete or not.</summary>
    private static async Task<GroupRoster> MeetAsync(IStore store, string prefix, int[] ranks, int rankInGroup, GroupHello own, GroupOptions options, CancellationToken cancellationToken)
    {
        byte[] hello = JsonSerializer.SerializeToUtf8Bytes(own, GroupJson.Default.GroupHello);
        byte[] kept = await store.CompareSetAsync(HelloKey(rankInGroup), null, hello, cancellationToken).ConfigureAwait(false) ?? [];
        if (!kept.AsSpan().SequenceEqual(hello))
        {
            GroupMember? other = JsonSerializer.Deserialize(kept, GroupJson.Default.GroupHello)?.Member;
            throw new GroupCreationException($"Group {options.Name} can't be made: {own.Member} finds its place taken by {other}. Two processes were started as one rank.");
        }

        string rosterKey = $"{prefix}/roster";
        if (rankInGroup != 0)
        {
            try
            {
                byte[] text = await store.GetAsync(rosterKey, options.Timeout + GroupVote.StoreGrace, cancellationToken).ConfigureAwait(false);
                return JsonSerializer.Deserialize(text, GroupJson.Default.GroupRoster)!;
            }
            catch (TimeoutException)
            {
                return new GroupRoster { Generation = 0, Hellos = await CollectAsync(TimeSpan.Zero).ConfigureAwait(false) };
            }
        }

        GroupRoster roster = new()
        {
            Hellos = await CollectAsync(options.Timeout).ConfigureAwait(false),
            Generation = await store.AddAsync("generation", 1, cancellationToken).ConfigureAwait(false),
        };
        await store.SetAsync(rosterKey, JsonSerializer.SerializeToUtf8Bytes(roster, GroupJson.Default.GroupRoster), cancellationToken).ConfigureAwait(false);
        return roster;

        string HelloKey(int member) => $"{prefix}/hello/{member}";

        async Task<GroupHello?[]> CollectAsync(TimeSpan timeout)
        {
            try
            {
                await store.WaitAsync([.. ranks.Select((_, member) => HelloKey(member))], timeout, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The roster says who is missing.
            }

            GroupHello?[] hellos = new GroupHello?[ranks.Length];
            for (int member = 0; member < ranks.Length; member++)
            {
                byte[]? text = await store.TryGetAsync(HelloKey(member), cancellationToken).ConfigureAwait(false);
                hellos[member] = text is null ? null : JsonSerializer.Deserialize(text, GroupJson.Default.GroupHello);
            }

            return hellos;
        }
    }

    /// <summary>Memory for the ranks of each node, connections between nodes, and a vote on each.</summary>
    private static async Task<IHostCommunicator> ConnectAsync(IStore store, string prefix, GroupMember[] members, int rank, long generation, GroupOptions options, List<GroupVote> votes, ILogger logger, CancellationToken cancellationToken)
    {
        GroupMember[] node = [.. members.Where(member => member.NodeId == members[rank].NodeId)];
        int cell = Array.IndexOf(node, members[rank]);
        int largest = members.CountBy(member => member.NodeId).Max(count => count.Value);
        if (members.Length > SegmentLayout.MaxRanks || options.HostChunkBytes / largest < SegmentLayout.MinPartBytes)
            throw new GroupCreationException($"Group {options.Name} can't be made: {largest} ranks on one node with {nameof(GroupOptions.HostChunkBytes)} {options.HostChunkBytes}; at most {SegmentLayout.MaxRanks} ranks, and {SegmentLayout.MinPartBytes} bytes of a chunk for each.");
        SegmentLayout layout = SegmentLayout.For(node.Length, options.HostChunkBytes);
        GroupMember[] machine = [.. members.Where(member => member.NetworkId == members[rank].NetworkId)];
        SpinPolicy spin = new(machine.Length, AllowedProcessors.CountUnion(machine));
        SharedSegment? segment = null;
        Socket?[] sockets = [];
        try
        {
            segment = await ShareMemoryAsync().ConfigureAwait(false);
            if (node.Length == members.Length)
            {
                SharedMemoryCommunicator local = new(options.Name, segment, layout, members, rank, options.Timeout, spin);
                segment = null;
                return local;
            }

            string? objection = null;
            try
            {
                sockets = await TcpMesh.ConnectAsync(store, prefix, members, rank, options, logger, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsObjection(e))
            {
                objection = e.Message;
            }

            await VoteAsync("TCP between nodes", objection, "its ranks can't reach each other").ConfigureAwait(false);
            PeerChannel?[] channels = [.. members.Select((member, peer) =>
                peer == rank ? null : sockets[peer] is { } socket ? (PeerChannel)new SocketChannel(socket) : new RingChannel(segment, layout, cell, Array.IndexOf(node, member)))];
            NodeCommunicator communicator = new(options.Name, segment, cell, channels, members, rank, options.Timeout, spin);
            segment = null;
            sockets = [];
            return communicator;
        }
        finally
        {
            segment?.Dispose();
            foreach (Socket? socket in sockets)
                socket?.Dispose();
        }

        async Task<SharedSegment> ShareMemoryAsync()
        {
            SharedSegment? shared = null;
            IAsyncDisposable? handout = null;
            string? objection = null;
            try
            {
                // One offer a node, under the rank that makes it.
                string key = $"{prefix}/segment/{node[0].Rank}";
                try
                {
                    if (cell == 0)
                        (shared, handout) = await SegmentExchange.OfferAsync(store, key, layout, generation, cancellationToken).ConfigureAwait(false);
                    else
                        shared = await SegmentExchange.AcceptAsync(store, key, layout, generation, options.Timeout, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (IsObjection(e))
                {
                    objection = e.Message;
                }

                await VoteAsync("shared memory", objection, "its ranks share a node and not its memory").ConfigureAwait(false);
                SharedSegment result = shared!;
                shared = null;
                return result;
            }
            finally
            {
                shared?.Dispose();
                if (handout is not null)
                    await handout.DisposeAsync().ConfigureAwait(false);
            }
        }

        async Task VoteAsync(string capability, string? objection, string trouble)
        {
            int[] ranks = [.. members.Select(member => member.Rank)];
            GroupVote vote = await GroupVote.HoldAsync(store, prefix, capability, ranks, rank, objection, options.Timeout, cancellationToken).ConfigureAwait(false);
            if (!vote.IsOn)
            {
                IEnumerable<string> reasons = vote.Objections.GroupBy(item => item.Value, item => item.Key, StringComparer.Ordinal).Select(item => $"{GroupMember.NameRanks(item)}: {item.Key}");
                throw new GroupCreationException($"Group {options.Name} can't be made: {trouble}. {string.Join("; ", reasons)}");
            }

            votes.Add(vote);
        }

        static bool IsObjection(Exception e) => e is IOException and not StoreException or TimeoutException or UnauthorizedAccessException or SocketException;
    }
}
