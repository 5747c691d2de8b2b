using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What is measured of the routes, and how; equal on all ranks.</summary>
public sealed record AllReduceTunerOptions
{
    public IReadOnlyList<DataType> Types { get; init; } = [DataType.BFloat16];

    /// <summary>Of input, the smallest size. Each next one is twice as large.</summary>
    public long MinBytes { get; init; } = 1 << 10;

    /// <summary>The largest size; two buffers of it lie on each device while it is measured, one of them registered where that can be had, and two more where NCCL has symmetric windows. What is larger is left to the built-in table.</summary>
    public long MaxBytes { get; init; } = 256 << 20;

    /// <summary>Factor between sizes.</summary>
    public int Factor { get; init; } = 2;

    /// <summary>How often the routes take turns; the median counts.</summary>
    public int Rounds { get; init; } = 11;

    /// <summary>Back to back in a turn of a small message; large ones have fewer, three at least.</summary>
    public int Calls { get; init; } = 20;

    /// <summary>Calls on a stream.</summary>
    public bool Eager { get; init; } = true;

    /// <summary>Calls in graphs.</summary>
    public bool Captured { get; init; } = true;

    /// <summary>For all of it; on all ranks the measurement ends with a <see cref="TimeoutException"/> if any of them is past it.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(120);

    public override string ToString() => FormattableString.Invariant($"{string.Join(' ', Types)} {MinBytes}-{MaxBytes} bytes by {Factor}, {Rounds} rounds of {Calls}, eager {Eager}, captured {Captured}, {Timeout:c}");

    /// <summary>From the smallest to the largest, in bytes.</summary>
    public IEnumerable<long> Sizes()
    {
        for (long size = MinBytes; size <= MaxBytes; size *= Factor)
            yield return size;
    }

    internal int CallsOf(long bytes) => (int)Math.Clamp((256L << 20) / bytes, Math.Min(3, Calls), Calls);

    internal void Validate()
    {
        if (MinBytes < 8 || MaxBytes < MinBytes || MaxBytes > 16L << 30)
            throw new ArgumentException($"{nameof(AllReduceTunerOptions)}: {nameof(MinBytes)} {MinBytes}, {nameof(MaxBytes)} {MaxBytes}: from 8 bytes to 16 GiB, the smaller first.");
        if (Factor < 2 || Rounds < 1 || Calls < 1 || Types.Count == 0 || !(Eager || Captured))
            throw new ArgumentException($"{nameof(AllReduceTunerOptions)}: {nameof(Factor)} {Factor} (from 2), {nameof(Rounds)} {Rounds} and {nameof(Calls)} {Calls} (from 1), {Types.Count} types (from 1), eager or captured or both.");
        if (Timeout <= TimeSpan.Zero || Timeout > GroupOptions.LongestTimeout)
            throw new ArgumentException($"{nameof(AllReduceTunerOptions)}.{nameof(Timeout)} {Timeout}: a wait is bounded, up to 7 days.");
    }
}
