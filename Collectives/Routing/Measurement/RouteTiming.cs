namespace CollectivesSharp;

/// <summary>How long a route takes for one size.</summary>
/// <param name="Route">Which.</param>
/// <param name="Microseconds">A call, of the slowest rank, in the median round; null: it can't take the call.</param>
/// <param name="Objection">Why it can't; null if it can.</param>
public sealed record RouteTiming(AllReduceRoute Route, double? Microseconds, string? Objection);
