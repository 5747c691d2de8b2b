using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>
/// A group of ranks and everything they do together. Made by <see cref="CreateAsync"/> (all ranks of the job) or <see cref="NewGroupAsync"/> (some
/// of them). Any thread may call; the calls of one group are ordered, the same on every rank, one at a time: concurrent work wants
/// a group of its own.
/// </summary>
public sealed partial class GroupCoordinator : IAsyncDisposable
{
    private readonly GroupOptions _options;
    private readonly StoreLease _lease;
    private readonly string _prefix;
    private readonly ILogger _logger;
    private readonly IHostCommunicator? _host;
    private readonly IDeviceCommunicator? _device;
    private int _disposed;

    private GroupCoordinator(GroupOptions options, StoreLease lease, string prefix, ILogger logger, FormedGroup formed)
    {
        _options = options;
        _lease = lease;
        _prefix = prefix;
        _logger = logger;
        _host = formed.Host;
        _device = formed.Device.Communicator;
        Device = formed.Device.Device;
        DeviceObjection = formed.Device.Objection;
        PeerObjection = formed.Device.PeerObjection;
        Members = formed.Members;
        Ranks = [.. formed.Members.Select(member => member.Rank)];
        RankInGroup = formed.RankInGroup;
        Generation = formed.Generation;
        Capabilities = formed.Votes;

        GroupMember self = Members[RankInGroup];
        NodeId = self.NodeId;
        GroupMember[] node = [.. Members.Where(member => member.NodeId == self.NodeId)];
        LocalSize = node.Length;
        LocalRank = self.LocalRank ?? Array.IndexOf(node, self);
        NodeCount = Members.Select(member => member.NodeId).Distinct(StringComparer.Ordinal).Count();
    }

    public string Name => _options.Name;

    /// <summary>This rank in the world.</summary>
    public int Rank => Ranks[RankInGroup];

    /// <summary>The members' ranks in the world, in the order of the group.</summary>
    public IReadOnlyList<int> Ranks { get; }

    public int RankInGroup { get; }

    /// <summary>How many ranks the group has.</summary>
    public int WorldSize => Ranks.Count;

    /// <summary>The launcher's local rank; without one, the index among the group's members on this node.</summary>
    public int LocalRank { get; }

    /// <summary>How many members share this rank's node.</summary>
    public int LocalSize { get; }

    public int NodeCount { get; }

    public string NodeId { get; }

    public IReadOnlyList<GroupMember> Members { get; }

    /// <summary>Counts the groups of a job in the order in which they were made; no two have the same.</summary>
    public long Generation { get; }

    /// <summary>What the members voted on when the group was made.</summary>
    public IReadOnlyList<GroupVote> Capabilities { get; }

    public bool IsFirstRank => RankInGroup == 0;

    public bool IsLastRank => RankInGroup == WorldSize - 1;

    /// <summary>The following member's rank in the world; the first one's after the last.</summary>
    public int NextRank => Ranks[(RankInGroup + 1) % WorldSize];

    public int PreviousRank => Ranks[(RankInGroup + WorldSize - 1) % WorldSize];

    /// <summary>
    /// Makes the group of all ranks of the job; every rank calls it. Finds rank, size and meeting point in the launcher's environment unless the options
    /// give them. Throws <see cref="LaunchException"/> for an environment that makes no sense, <see cref="GroupMismatchException"/> on every rank if versions
    /// or options differ, <see cref="GroupCreationException"/> naming the ranks that did not arrive in time or what they lack.
    /// </summary>
    public static async Task<GroupCoordinator> CreateAsync(GroupOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new GroupOptions();
        options.Validate();
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("CollectivesSharp runs on Linux (x86-64 and arm64): it needs futexes, pidfds and descriptor passing.");
        // With a store at hand nothing of the environment matters: it may speak of another job, such as the one whose threads these are.
        LaunchEnvironment environment = options is { Store: not null, Rank: not null }
            ? new LaunchEnvironment { Launcher = LauncherKind.None, Rank = 0, WorldSize = 1 }
            : LaunchEnvironment.Detect();
        if (options is { Rank: { } rank, WorldSize: { } size })
            environment = environment with { Rank = rank, WorldSize = size, LocalRank = null, LocalSize = null };

        ILogger logger = GroupFormation.Logger(options);
        StoreLease lease = options.Store is { } given ? new StoreLease(given, null, owned: false, options.Timeout)
            : environment.WorldSize == 1 ? new StoreLease(new InProcessStore(), null, owned: true, options.Timeout)
            : await MeetingPoint.OpenAsync(environment, options, logger, cancellationToken).ConfigureAwait(false);
        try
        {
            // A caller's store can serve many groups, one after the other: each rank counts its own. A store of this group's own serves one, and a second process of one rank must meet the first.
            long creation = options.Store is null ? 1 : await lease.Store.AddAsync($"world/created/{environment.Rank}", 1, cancellationToken).ConfigureAwait(false);
            string prefix = $"world/{creation}";
            FormedGroup formed = await GroupFormation.FormAsync(lease.Store, prefix, [.. Enumerable.Range(0, environment.WorldSize)], environment.Rank, environment.LocalRank, options, logger, cancellationToken).ConfigureAwait(false);
            return await BeginAsync(options, lease, prefix, logger, formed, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await lease.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes a group of some of this group's ranks; exactly they call it. <paramref name="ranks"/> are ranks in the world, in the order of the new group.
    /// Equal lists make equal groups: they may be made again, each time with a generation and memory of their own.
    /// </summary>
    public async Task<GroupCoordinator> NewGroupAsync(IReadOnlyList<int> ranks, string? name = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        int[] members = [.. ranks];
        if (members.Length == 0 || members.Distinct().Count() != members.Length || members.Any(rank => !Ranks.Contains(rank)))
            throw new ArgumentException($"[{string.Join(", ", members)}]: a new group has one or more distinct ranks out of [{string.Join(", ", Ranks)}].", nameof(ranks));
        int rankInGroup = Array.IndexOf(members, Rank);
        if (rankInGroup < 0)
            throw new ArgumentException($"Rank {Rank} makes a group of [{string.Join(", ", members)}] without being in it; only members call.", nameof(ranks));

        string list = string.Join(',', members);
        GroupOptions options = _options with { Name = name ?? $"{Name}[{list}]" };
        string family = $"{_prefix}/new/{GroupFormation.Digest(list)}";
        long creation = await _lease.Store.AddAsync($"{family}/created/{Rank}", 1, cancellationToken).ConfigureAwait(false);
        string prefix = $"{family}/{creation}";
        FormedGroup formed = await GroupFormation.FormAsync(_lease.Store, prefix, members, rankInGroup, Members[RankInGroup].LocalRank, options, _logger, cancellationToken).ConfigureAwait(false);
        StoreLease lease = _lease.Share();
        try
        {
            return await BeginAsync(options, lease, prefix, _logger, formed, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await lease.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What a group does of itself when it is made.</summary>
    private static async Task<GroupCoordinator> BeginAsync(GroupOptions options, StoreLease lease, string prefix, ILogger logger, FormedGroup formed, CancellationToken cancellationToken)
    {
        GroupCoordinator group = new(options, lease, prefix, logger, formed);
        try
        {
            await group.FindTuningAsync(cancellationToken).ConfigureAwait(false);
            return group;
        }
        catch
        {
            group._device?.Dispose();
            group._host?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Leaves the group; peers that still wait for this rank get <see cref="PeerLostException"/>. Sub-groups live on. Rank 0, which serves the
    /// store, returns when the other ranks have left as well, at the latest after the group's timeout.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _device?.Dispose();
        _host?.Dispose();
        await _lease.ReleaseAsync().ConfigureAwait(false);
    }
}
