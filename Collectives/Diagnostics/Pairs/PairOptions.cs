namespace CollectivesSharp;

/// <summary>How <see cref="GroupCoordinator.MeasurePairsAsync"/> measures; equal on all ranks.</summary>
public sealed record PairOptions
{
    /// <summary>Of one copy; a multiple of 8. Null: 64 MiB between GPUs, 4 MiB between ranks on host memory. A rank needs twice as much memory of its device, and as much of its host.</summary>
    public long? Bytes { get; init; }

    /// <summary>Copies that one time is taken over.</summary>
    public int Copies { get; init; } = 16;

    /// <summary>How often a time is taken; the median is told.</summary>
    public int Samples { get; init; } = 5;

    /// <summary>Of a flag, in one time; as many as a tenth of them are made before, untimed.</summary>
    public int RoundTrips { get; init; } = 1000;

    /// <summary>The deadline of each single step. Null: <see cref="GroupOptions.Timeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    internal int WarmupRoundTrips => Math.Max(1, RoundTrips / 10);

    internal void Validate()
    {
        if (Bytes is { } bytes && (bytes < 8 || bytes % 8 != 0 || bytes > 1L << 30))
            throw new ArgumentException($"{nameof(PairOptions)}.{nameof(Bytes)} {bytes}: a multiple of 8, up to 1 GiB.");
        Check(Copies, nameof(Copies), 100_000);
        Check(Samples, nameof(Samples), 1_000);
        Check(RoundTrips, nameof(RoundTrips), 1_000_000);
        if (Timeout is { } timeout && (timeout <= TimeSpan.Zero || timeout > GroupOptions.LongestTimeout))
            throw new ArgumentException($"{nameof(PairOptions)}.{nameof(Timeout)} {timeout}: a wait is bounded, up to 7 days.");

        static void Check(int value, string name, int most)
        {
            if (value < 1 || value > most)
                throw new ArgumentException($"{nameof(PairOptions)}.{name} {value}: from 1 to {most}.");
        }
    }
}
