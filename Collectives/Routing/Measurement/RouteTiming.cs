namespace CollectivesSharp;

/// <summary>How long a route takes for one size.</summary>
/// <param name="Route">Which.</param>
/// <param name="Microseconds">A call, of the slowest rank, in the median round; null: it can't take the call.</param>
/// <param name="Objection">Why it can't; null if it can.</param>
public sealed record RouteTiming(AllReduceRoute Route, double? Microseconds, string? Objection)
{
    /// <summary>A quarter of the rounds was faster than this.</summary>
    public double? LowerQuartile { get; init; }

    /// <summary>A quarter of the rounds was slower than this.</summary>
    public double? UpperQuartile { get; init; }

    /// <summary>Elements of all ranks' outputs that were not the sum; null: nobody looked.</summary>
    public long? Wrong { get; init; }

    /// <summary>Measured, and no wrong sum was seen.</summary>
    internal bool IsRight => this is { Microseconds: not null, Wrong: null or 0 };

    /// <param name="route">Which.</param>
    /// <param name="rounds">Microseconds a call; sorted here.</param>
    internal static RouteTiming Of(AllReduceRoute route, Span<double> rounds)
    {
        rounds.Sort();
        int quarter = rounds.Length / 4;
        return new(route, rounds[rounds.Length / 2], null) { LowerQuartile = rounds[quarter], UpperQuartile = rounds[^(1 + quarter)] };
    }
}
