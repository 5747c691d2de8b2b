using System.Diagnostics;

namespace CollectivesSharp;

/// <summary>
/// How long a rank polls before it sleeps. With a core for every rank polling answers in nanoseconds; with fewer, every poll takes the core that the awaited
/// peer needs, so the waiter gives it away at once.
/// </summary>
internal readonly struct SpinPolicy
{
    /// <summary>A futex wake-up costs about this much; polling longer than that loses more than it can win.</summary>
    private const double SpinMicroseconds = 50;

    internal SpinPolicy(int ranks, int cores)
    {
        SpinTicks = ranks <= cores ? (long)(SpinMicroseconds * Stopwatch.Frequency / 1e6) : 0;
        Yields = ranks <= cores ? 0 : 4;
    }

    internal long SpinTicks { get; }

    /// <summary>How often the waiter offers its core to others before it sleeps.</summary>
    internal int Yields { get; }
}
