namespace CollectivesSharp;

/// <summary>One rank of a group, as every member knows it.</summary>
public sealed record GroupMember
{
    /// <summary>Its rank in the world.</summary>
    public required int Rank { get; init; }

    /// <summary>The machine's name, for people.</summary>
    public required string Host { get; init; }

    public required int ProcessId { get; init; }

    /// <summary>In clock ticks since boot: with the process id it names a process for good.</summary>
    public required long ProcessStartTime { get; init; }

    /// <summary>Equal for ranks that can share memory; see <see cref="NodeIdentity"/>.</summary>
    public required string NodeId { get; init; }

    /// <summary>Equal for ranks that reach each other by loopback; an override of the node's identity does not change it.</summary>
    public required string NetworkId { get; init; }

    /// <summary>As the launcher said, or null.</summary>
    public int? LocalRank { get; init; }

    /// <summary>The processors that this rank may run on, one bit each, as /proc/self/status prints them ("ffffffff,00000003").</summary>
    public required string AllowedProcessors { get; init; }

    /// <summary>How many of them a quota leaves (<see cref="Environment.ProcessorCount"/>).</summary>
    public required int ProcessorCount { get; init; }

    /// <summary>Null: none, see <see cref="DeviceObjection"/>.</summary>
    public MemberDevice? Device { get; init; }

    /// <summary>Why this rank has no device.</summary>
    public string? DeviceObjection { get; init; }

    /// <summary>Whether it asked for a group that moves device memory or none at all.</summary>
    public bool DeviceRequired { get; init; }

    /// <summary>The library that it found, where it has a device.</summary>
    public MemberNccl? Nccl { get; init; }

    /// <summary>Why it has none.</summary>
    public string? NcclObjection { get; init; }

    public override string ToString() => $"rank {Rank} (host {Host}, pid {ProcessId})";

    /// <summary>"rank 3" or "ranks 0, 1, 5".</summary>
    internal static string NameRanks(IEnumerable<int> ranks)
    {
        int[] all = [.. ranks];
        return $"{(all.Length == 1 ? "rank" : "ranks")} {string.Join(", ", all)}";
    }
}
