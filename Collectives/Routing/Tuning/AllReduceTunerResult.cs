namespace CollectivesSharp;

/// <summary>What tuning has found; the same on every rank, but for where it is kept.</summary>
/// <param name="Tuning">In use by the group from now on.</param>
/// <param name="Timings">What it follows from.</param>
/// <param name="Kept">On the first rank the file, or why there is none; null on others.</param>
public sealed record AllReduceTunerResult(AllReduceTuning Tuning, IReadOnlyList<AllReduceTiming> Timings, string? Kept);
