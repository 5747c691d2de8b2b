namespace CollectivesSharp;

/// <summary>What moves from one rank of a group to another. Ranks are ranks in the group.</summary>
/// <param name="From">The rank whose GPU writes, or that sends.</param>
/// <param name="To">The rank whose memory is written.</param>
/// <param name="Path">What the machines offer between them.</param>
/// <param name="Transport">What was measured.</param>
/// <param name="NominalGigabytesPerSecond">What <paramref name="Path"/> promises in one direction, 10^9 bytes; 0 where nothing tells.</param>
public sealed record PairMeasurement(int From, int To, RankPath Path, PairTransport Transport, double NominalGigabytesPerSecond)
{
    /// <summary>The median of large copies, this pair alone at work, one direction, 10^9 bytes. Null: see <see cref="Objection"/>.</summary>
    public double? GigabytesPerSecond { get; init; }

    /// <summary>Half the round trip of a flag that <see cref="From"/> begins, the median of means. Null: see <see cref="Objection"/>.</summary>
    public double? LatencyMicroseconds { get; init; }

    /// <summary>How many bytes of one copy did not arrive as they left; 0 on a machine in order.</summary>
    public long WrongBytes { get; init; }

    /// <summary>Why something was not measured, or what went wrong.</summary>
    public string? Objection { get; init; }
}
