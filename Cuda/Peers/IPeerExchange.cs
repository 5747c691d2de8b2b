using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp.Cuda;

/// <summary>
/// How the ranks of one node, threads or processes or both, talk while they map each other's memory. Ranks count from 0 to <see cref="Count"/> - 1 among those that take part. The asynchronous members and
/// <see cref="OpenBoard"/> are collective: every rank calls them in the same order, one at a time. They throw <see cref="TimeoutException"/> that names who is missing; after that, after a cancellation and after
/// an error of the meeting point the ranks are no longer in step and the exchange is of no more use.
/// </summary>
public interface IPeerExchange
{
    /// <summary>The group's name, for messages.</summary>
    string Group { get; }

    int Rank { get; }

    int Count { get; }

    /// <summary>Equal for ranks that are threads of one process.</summary>
    PeerProcess ProcessOf(int rank);

    /// <summary>"rank 3 (host a, pid 42)", with its rank in the world.</summary>
    string Describe(int rank);

    /// <summary>Every rank's bytes, in rank order; some kilobytes at most. Also a barrier.</summary>
    Task<byte[][]> AllGatherAsync(ReadOnlyMemory<byte> own, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>
    /// Brings file descriptors from one process to another. <paramref name="own"/>: what this rank hands out, to every rank that asks; null: nothing. It stays the caller's, and open until the call ends.
    /// The result has a descriptor, now this rank's, for each rank of <paramref name="from"/>, which must hand one out, and null for the others.
    /// </summary>
    /// <exception cref="IOException">A descriptor did not come. The ranks are still in step.</exception>
    Task<SafeFileHandle?[]> ExchangeDescriptorsAsync(SafeFileHandle? own, IReadOnlyCollection<int> from, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Returns when every rank has called it.</summary>
    Task BarrierAsync(TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>
    /// What every rank has against <paramref name="subject"/> (null: nothing), by rank, the same on all of them; who has not voted at the deadline objects. Empty: it is on.
    /// </summary>
    Task<IReadOnlyDictionary<int, string>> VoteAsync(string subject, string? objection, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>A new board, all numbers 0. Throws <see cref="InvalidOperationException"/> after some hundreds.</summary>
    IPeerBoard OpenBoard();

    /// <summary>Tells the operator.</summary>
    void Warn(string message);
}
