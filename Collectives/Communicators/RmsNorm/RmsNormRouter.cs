using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Picks the way of an all-reduce with residual and RMSNorm. Pure, as <see cref="AllReduceRouter"/>.</summary>
internal static class RmsNormRouter
{
    private const nuint KiB = 1 << 10;
    private const nuint MiB = 1 << 20;
    private const string Guess = "nobody has measured so many ranks: by the sizes of the all-reduces";

    internal static AllReduceRmsNormChoice Route(nuint rows, nuint columns, DataType type, AllReduceFacts facts)
    {
        (nuint oneShot, nuint twoShot, string? doubt) = Limits(facts);
        nuint bytes = rows * columns * (nuint)type.SizeInBytes();
        bool oneShotFits = Fits(AllReduceRmsNormRoute.OneShot, rows, columns, type, facts), twoShotFits = Fits(AllReduceRmsNormRoute.TwoShot, rows, columns, type, facts);
        return facts.Forced switch
        {
            AllReduceRoute.OneShot when oneShotFits => new(AllReduceRmsNormRoute.OneShot, "forced"),
            AllReduceRoute.TwoShot when twoShotFits => new(AllReduceRmsNormRoute.TwoShot, "forced"),
            not (null or AllReduceRoute.OneShot or AllReduceRoute.TwoShot) => new(AllReduceRmsNormRoute.Separate, $"the group's all-reduces are forced to be {facts.Forced}"),
            _ when bytes <= oneShot && oneShotFits => new(AllReduceRmsNormRoute.OneShot, doubt ?? "one trip is the fastest at this size"),
            _ when bytes <= twoShot && twoShotFits => new(AllReduceRmsNormRoute.TwoShot, doubt ?? "two trips carry less than the one-shot, which counts at this size"),
            _ when bytes <= twoShot => new(AllReduceRmsNormRoute.Separate, "peer memory is too small for one kernel, see GroupOptions.ArenaBytes"),
            _ => new(AllReduceRmsNormRoute.Separate, doubt ?? "nobody has measured one kernel for so long messages"),
        };
    }

    /// <summary>Why a call that asks for the route can't have it; null: it can.</summary>
    internal static string? Objection(AllReduceRmsNormRoute route, nuint rows, nuint columns, DataType type, AllReduceFacts facts) =>
        Fits(route, rows, columns, type, facts) ? null : $"half of the peer memory, {facts.HalfBytes} bytes, does not hold it; see GroupOptions.ArenaBytes";

    private static bool Fits(AllReduceRmsNormRoute route, nuint rows, nuint columns, DataType type, AllReduceFacts facts) => route switch
    {
        AllReduceRmsNormRoute.OneShot => RmsNormLaunch.OneShotFits(rows, columns, type, facts.WorldSize, facts.HalfBytes),
        AllReduceRmsNormRoute.TwoShot => RmsNormLaunch.TwoShotFits(rows, columns, type, facts.WorldSize, facts.HalfBytes),
        _ => true,
    };

    /// <summary>
    /// Up to how many bytes of input the one-shot, and then the two-shot, are taken, and why that is a guess (null: it is none). Two ranks: bench/results/rms-norm.json, up to the largest the two-shot's peer memory holds. More ranks, other
    /// GPUs and links: nobody has measured it; the all-reduces' sizes, with which it shares the wire.
    /// </summary>
    private static (nuint OneShot, nuint TwoShot, string? Doubt) Limits(AllReduceFacts facts)
    {
        // Over PCIe the all-reduce of longer messages is NCCL's, where it may be.
        bool hasNccl = facts.NcclObjection is null && facts.Policy != AllReducePolicy.Deterministic;
        return (facts.Hardware.Kind, facts.WorldSize) switch
        {
            (PeerHardwareKind.Pcie, 2) when hasNccl => (16 * KiB, 16 * KiB, facts.Hardware.Doubt),
            (PeerHardwareKind.Pcie, _) when hasNccl => (8 * KiB, 8 * KiB, facts.Hardware.Doubt),
            (PeerHardwareKind.Pcie or PeerHardwareKind.Unmeasured, _) => (64 * KiB, 4 * MiB, facts.Hardware.Doubt),
            (_, 2) => (2 * MiB, 8 * MiB, facts.Hardware.Doubt),
            (_, <= 4) => (128 * KiB, 4 * MiB, facts.Hardware.Doubt ?? Guess),
            _ => (64 * KiB, 4 * MiB, facts.Hardware.Doubt ?? Guess),
        };
    }
}
