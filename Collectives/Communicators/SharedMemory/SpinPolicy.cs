using System.Diagnostics;

namespace CollectivesSharp;

/// <summary>
/// How long a rank polls before it sleeps. With a core for every rank polling answers in nanoseconds; with fewer, a poll may take the core that the awaited
/// peer needs, so the waiter offers it away every microsecond. bench/results/mpi-race.json shows what comes of it; the figures below are of idle cores.
/// </summary>
internal readonly struct SpinPolicy
{
    /// <summary>A futex wake-up costs about this much; polling longer than that loses more than it can win.</summary>
    private const double SpinMicroseconds = 50;

    internal SpinPolicy(int ranks, int cores)
    {
        SpinTicks = ranks <= cores ? (long)(SpinMicroseconds * Stopwatch.Frequency / 1e6) : 0;
        Yields = ranks <= cores ? 0 : 12;
    }

    internal long SpinTicks { get; }

    /// <summary>
    /// How often the waiter offers its core to others before it sleeps. An all-gather of 64 bytes between 4 ranks on 2 cores (µs): never 24, once 11 to 22, then flat.
    /// More of them outlast a moment in which other programs take the cores.
    /// </summary>
    internal int Yields { get; }

    /// <summary>
    /// How long the waiter polls before each offer: the peers of the other cores arrive at the same time, and to see them spares two switches of context. The same all-gather takes
    /// 7 µs with this microsecond, 9 without. Time and not a number of pauses, since a pause lasts three times as long on Intel's cores as on AMD's.
    /// </summary>
    internal static long PollTicks { get; } = (long)(0.9 * Stopwatch.Frequency / 1e6);
}
