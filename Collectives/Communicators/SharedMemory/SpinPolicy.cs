using System.Diagnostics;

namespace CollectivesSharp;

/// <summary>
/// How long a rank polls before it sleeps. With a core for every rank polling answers in nanoseconds; with fewer, a poll may take the core that the awaited
/// peer needs, so the waiter offers it away. bench/results/mpi-race.json shows what comes of it, bench/results/oversubscribed-waiting.json what the ways of waiting cost.
/// </summary>
internal readonly struct SpinPolicy
{
    /// <summary>A futex wake-up costs about this much; polling longer than that loses more than it can win.</summary>
    private const double SpinMicroseconds = 50;

    internal SpinPolicy(int ranks, int cores)
    {
        SpinTicks = ranks <= cores ? (long)(SpinMicroseconds * Stopwatch.Frequency / 1e6) : 0;
        Yields = ranks <= cores ? 0 : 12;
        RanksPerCore = (ranks + cores - 1) / cores;
    }

    /// <summary>A core's fair share, rounded up.</summary>
    internal int RanksPerCore { get; }

    internal long SpinTicks { get; }

    /// <summary>
    /// How often the waiter offers its core to others before it sleeps: a switch by sched_yield costs 4.7 µs, one by futex 6.0 and a ring, and the waiter that sleeps comes late.
    /// More of them outlast a moment in which other programs take the cores.
    /// </summary>
    internal int Yields { get; }

    /// <summary>
    /// How long a rank that waits for messages polls before each offer: it does not know where its peers run. Time and not a number of pauses, since a pause lasts three times as long on Intel's cores as on AMD's.
    /// </summary>
    internal static long PollTicks { get; } = (long)(0.9 * Stopwatch.Frequency / 1e6);

    /// <summary>
    /// How long a rank of a collective polls before each offer when no missing peer is on its core, as far as <see cref="CorePlacement"/> knows: nobody here needs it, and the others are at work. About a switch.
    /// Where one is, the core is offered at once: an all-to-all of 64 bytes between 4 ranks on 2 cores takes 6.2 µs so, 8.1 with a poll of 0.9 µs in each case.
    /// </summary>
    internal static long PollElsewhereTicks { get; } = (long)(5 * Stopwatch.Frequency / 1e6);
}
