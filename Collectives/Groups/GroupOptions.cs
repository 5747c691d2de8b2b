using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>
/// What a rank brings to a group. Everything has a default; rank, size and the meeting point come from the launcher's environment. What decides how ranks
/// talk (<see cref="Name"/>, <see cref="HostChunkBytes"/>, <see cref="Timeout"/>) must be equal on all ranks and is compared when the group is made.
/// </summary>
public sealed record GroupOptions
{
    public string Name { get; init; } = "world";

    /// <summary>Null: from the environment (<see cref="LaunchEnvironment"/>). Ranks that are threads pass it, together with <see cref="WorldSize"/> and <see cref="Store"/>.</summary>
    public int? Rank { get; init; }

    public int? WorldSize { get; init; }

    /// <summary>The meeting point; stays the caller's. Null: rank 0 serves one where the environment says, or on a local socket when all ranks share a machine.</summary>
    public IStore? Store { get; init; }

    /// <summary>Known to all ranks and to nobody else; guards the store on TCP. Null: COLLECTIVES_SECRET.</summary>
    public string? Secret { get; init; }

    /// <summary>The deadline of creation and of every host call that names none.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The unit in which large host messages travel; two ranks of a node have twice as long ones. A node's segment holds two chunks a rank and two more: 2.5 MiB of /dev/shm for four ranks at the
    /// default, 3 MiB for two. From 4 KiB to 256 MiB, a multiple of 4 KiB.
    /// </summary>
    public int HostChunkBytes { get; init; } = 256 << 10;

    /// <summary>Ranks with the same identity share memory. Null: COLLECTIVES_HOST_ID, else <see cref="NodeIdentity.Current"/>. Different values let one machine play several nodes.</summary>
    public string? HostId { get; init; }

    /// <summary>
    /// What moves host memory, of equal name on all ranks. Null: COLLECTIVES_HOST_TRANSPORT, which is "builtin" (also if unset: the SDK's own) or "mpi"
    /// (<see cref="MpiHostTransport"/>).
    /// </summary>
    public IHostTransport? HostTransport { get; init; }

    /// <summary>Which GPU this rank takes; may differ by rank. Null: COLLECTIVES_DEVICE, else <see cref="DeviceChoice.Auto"/>.</summary>
    public DeviceChoice? Device { get; init; }

    /// <summary>The deadline of <see cref="GroupCoordinator.Synchronize"/>, of a device call that must wait for its peers on the host, and of each wait of the SDK's kernels.</summary>
    public TimeSpan DeviceTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>How NCCL is set up; equal on all ranks. Null: as it comes.</summary>
    public NcclOptions? Nccl { get; init; }

    /// <summary>
    /// How much peer memory each rank of the group gives on its device, for the SDK's own kernels; a slice of the process's <see cref="PeerArena"/>. Equal on all ranks. 0: none, the group moves device memory
    /// by NCCL alone. Otherwise from 64 KiB to 16 GiB, a multiple of 64 KiB.
    /// </summary>
    public long ArenaBytes { get; init; } = 64 << 20;

    /// <summary>The way that all-reduces of device memory take wherever they can; equal on all ranks. Null: COLLECTIVES_ALLREDUCE_ROUTE (one-shot, two-shot, windowed, copy-engine, registered, nccl, nccl-symmetric), else what is fastest. <see cref="AllReduceRoute.Nccl"/> does without peer memory.</summary>
    public AllReduceRoute? AllReduceRoute { get; init; }

    /// <summary>What reductions of device memory promise; equal on all ranks.</summary>
    public AllReducePolicy AllReducePolicy { get; init; }

    /// <summary>Where the table of routes comes from; equal on all ranks. What <see cref="AllReduceRoute"/> forces needs none.</summary>
    public AllReduceTuningMode AllReduceTuning { get; init; }

    /// <summary>What <see cref="AllReduceTuningMode.Measure"/> measures; equal on all ranks. Null: as <see cref="AllReduceTunerOptions"/> has it.</summary>
    public AllReduceTunerOptions? AllReduceTuner { get; init; }

    public ILoggerFactory? LoggerFactory { get; init; }

    internal static TimeSpan LongestTimeout { get; } = TimeSpan.FromDays(7);

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Name);
        if (Rank.HasValue != WorldSize.HasValue)
            throw new ArgumentException($"{nameof(Rank)} and {nameof(WorldSize)} are given together or not at all; found {nameof(Rank)} = {Text(Rank)}, {nameof(WorldSize)} = {Text(WorldSize)}.");
        if (WorldSize is { } size && (size < 1 || Rank < 0 || Rank >= size))
            throw new ArgumentException($"{nameof(Rank)} {Rank} of {nameof(WorldSize)} {size}: a rank lies between 0 and the size.");
        if (Timeout <= TimeSpan.Zero || Timeout > LongestTimeout)
            throw new ArgumentException($"{nameof(Timeout)} {Timeout}: a wait is bounded, up to 7 days.");
        if (DeviceTimeout <= TimeSpan.Zero || DeviceTimeout > LongestTimeout)
            throw new ArgumentException($"{nameof(DeviceTimeout)} {DeviceTimeout}: a wait is bounded, up to 7 days.");
        if (HostChunkBytes < 4096 || HostChunkBytes > 256 << 20 || HostChunkBytes % 4096 != 0)
            throw new ArgumentException($"{nameof(HostChunkBytes)} {HostChunkBytes}: from 4096 to {256 << 20} in multiples of 4096.");
        if (ArenaBytes < 0 || ArenaBytes > 16L << 30 || ArenaBytes % PeerArena.SliceUnit != 0)
            throw new ArgumentException($"{nameof(ArenaBytes)} {ArenaBytes}: 0, or from {PeerArena.SliceUnit} to {16L << 30} in multiples of {PeerArena.SliceUnit}.");
        _ = HostTransports.Resolve(this);
        if (RoutePreference.Resolve(this) is { } route && AllReducePolicy == AllReducePolicy.Deterministic && !AllReduceRouter.KeepsRankOrder(route))
            throw new ArgumentException($"{nameof(AllReducePolicy)} {AllReducePolicy.Deterministic} excludes {route}, which {nameof(AllReduceRoute)} or {RoutePreference.Variable} forces.");
        AllReduceTuner?.Validate();

        static string Text(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null";
    }
}
