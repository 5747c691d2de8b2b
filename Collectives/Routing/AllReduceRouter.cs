using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Picks the way of an all-reduce. Pure: the same facts and the same request give the same route on every rank. Allocates nothing where there is a route.</summary>
internal static class AllReduceRouter
{
    internal static AllReduceChoice Route(in AllReduceRequest request, AllReduceFacts facts)
    {
        string? cannot = PeerObjection(request, facts);
        if (facts.Forced is { } forced and not AllReduceRoute.Nccl && cannot is null && Fits(forced, request, facts))
            return new(forced, "forced");
        if (facts.NcclObjection is not null)
        {
            if (cannot is null && OwnRoute(request.Count, request.Type, facts.WorldSize, facts.HalfBytes) is var own && own != AllReduceRoute.None)
                return new(own, "NCCL is not there");
            return new(AllReduceRoute.None, $"NCCL: {facts.NcclObjection} Our kernels: {cannot ?? "peer memory is too small, see GroupOptions.ArenaBytes"}.");
        }

        if (facts.Forced == AllReduceRoute.Nccl)
            return new(AllReduceRoute.Nccl, "forced");
        if (cannot is not null)
            return new(AllReduceRoute.Nccl, cannot);
        AllReduceTable table = AllReduceTable.For(facts.WorldSize, request.Type);
        if (Bytes(request.Count, request.Type) > table.Windowed)
            return new(AllReduceRoute.Nccl, "its ring carries long messages faster than our kernels' stores");
        return OwnRoute(request.Count, request.Type, facts.WorldSize, facts.HalfBytes) switch
        {
            AllReduceRoute.OneShot => new(AllReduceRoute.OneShot, "one trip is the fastest at this size"),
            AllReduceRoute.TwoShot => new(AllReduceRoute.TwoShot, "two trips carry less than the one-shot, which counts at this size"),
            AllReduceRoute.Windowed => new(AllReduceRoute.Windowed, "pieces stay in the second-level cache, which counts at this size"),
            _ => new(AllReduceRoute.Nccl, "peer memory is too small, see GroupOptions.ArenaBytes"),
        };
    }

    /// <summary>The fastest of our kernels that fits into half of the peer memory; <see cref="AllReduceRoute.None"/>: none does.</summary>
    internal static AllReduceRoute OwnRoute(nuint count, DataType type, int worldSize, nuint halfBytes)
    {
        AllReduceTable table = AllReduceTable.For(worldSize, type);
        nuint bytes = Bytes(count, type), cells = PeerLaunch.Cells(count, type);
        bool hasWindow = PeerLaunch.HasWindow(worldSize, halfBytes);
        bool oneShotFits = PeerLaunch.OneShotFits(cells, worldSize, halfBytes), twoShotFits = PeerLaunch.TwoShotFits(cells, worldSize, halfBytes);
        if (oneShotFits && bytes <= table.OneShot)
            return AllReduceRoute.OneShot;
        if (twoShotFits && (bytes <= table.TwoShot || !hasWindow))
            return AllReduceRoute.TwoShot;
        return hasWindow ? AllReduceRoute.Windowed : oneShotFits ? AllReduceRoute.OneShot : AllReduceRoute.None;
    }

    private static bool Fits(AllReduceRoute route, in AllReduceRequest request, AllReduceFacts facts) => route switch
    {
        AllReduceRoute.OneShot => PeerLaunch.OneShotFits(PeerLaunch.Cells(request.Count, request.Type), facts.WorldSize, facts.HalfBytes),
        AllReduceRoute.TwoShot => PeerLaunch.TwoShotFits(PeerLaunch.Cells(request.Count, request.Type), facts.WorldSize, facts.HalfBytes),
        _ => PeerLaunch.HasWindow(facts.WorldSize, facts.HalfBytes),
    };

    /// <summary>At most what a nuint holds.</summary>
    private static nuint Bytes(nuint count, DataType type) => count > nuint.MaxValue / (nuint)type.SizeInBytes() ? nuint.MaxValue : count * (nuint)type.SizeInBytes();

    /// <summary>Null: our kernels do it.</summary>
    private static string? PeerObjection(in AllReduceRequest request, AllReduceFacts facts) =>
        facts.PeerObjection is not null ? facts.PeerObjection
        : request.Op.Scaled is not null ? "premultiplied sums are NCCL's"
        : null;
}
