using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>
/// Makes the communicators of host memory: the way in for transports other than the SDK's own, of which MPI is one.
/// Set it in the options of every rank.
/// </summary>
public interface IHostTransport
{
    /// <summary>Compared over the ranks, and what COLLECTIVES_HOST_TRANSPORT would call it.</summary>
    string Name { get; }

    /// <summary>
    /// Collective over the members of a group to be of two or more ranks; returns a communicator or throws an exception that says what is missing. The members vote afterwards: if one has failed, the
    /// others dispose theirs and all throw <see cref="GroupCreationException"/>.
    /// </summary>
    Task<IHostCommunicator> CreateAsync(HostTransportContext context, CancellationToken cancellationToken);
}

/// <summary>The group to be, as every member knows it, and a store to exchange addresses in.</summary>
public sealed record HostTransportContext
{
    public required GroupOptions Options { get; init; }

    /// <summary>In the order of the group.</summary>
    public required IReadOnlyList<GroupMember> Members { get; init; }

    /// <summary>This rank's index in <see cref="Members"/>.</summary>
    public required int RankInGroup { get; init; }

    /// <summary>Differs from that of every other group of the job.</summary>
    public required long Generation { get; init; }

    public required IStore Store { get; init; }

    /// <summary>What this group's keys in the store begin with.</summary>
    public required string KeyPrefix { get; init; }

    public required ILogger Logger { get; init; }
}
