using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Picks the way of an all-reduce. Pure: the same facts and the same request give the same route on every rank. Allocates nothing where there is a route.</summary>
internal static class AllReduceRouter
{
    private const string TooSmall = "peer memory is too small, see GroupOptions.ArenaBytes";
    private const string NotRegistered = "the output is not in memory of AllocateRegisteredAsync";
    private const string KeepsNoOrder = "the Deterministic policy excludes it: it does not reduce in rank order at every size";

    /// <summary>All there are, whether a group has them or not.</summary>
    internal static IReadOnlyList<AllReduceRoute> Routes { get; } = [.. Enum.GetValues<AllReduceRoute>().Where(route => route != AllReduceRoute.None)];

    internal static AllReduceChoice Route(in AllReduceRequest request, AllReduceFacts facts)
    {
        if (facts.Forced is { } forced && Objection(forced, request, facts) is null)
            return new(forced, "forced");
        if (facts.Tuning?.Find(request) is { } measured && Objection(measured, request, facts) is null)
            return new(measured, "measured to be the fastest here");
        if (request.IsRegistered && request.Bytes >= AllReduceTable.CopyEngine(facts.WorldSize) && Objection(AllReduceRoute.CopyEngine, request, facts) is null)
            return new(AllReduceRoute.CopyEngine, "copy engines carry long messages faster than kernels");
        string? noNccl = Objection(AllReduceRoute.Nccl, request, facts), cannot = PeerObjection(request, facts);
        if (noNccl is not null)
        {
            if (cannot is null && OwnRoute(request.Count, request.Type, facts.WorldSize, facts.HalfBytes) is var own && own != AllReduceRoute.None)
                return new(own, facts.Policy == AllReducePolicy.Deterministic ? "Deterministic; the fastest of those that reduce in rank order" : "NCCL is not there");
            return new(AllReduceRoute.None, $"NCCL: {noNccl}{(noNccl.EndsWith('.') ? "" : ".")} Our kernels: {cannot ?? TooSmall}.");
        }

        if (cannot is not null)
            return new(AllReduceRoute.Nccl, cannot);
        AllReduceTable table = AllReduceTable.For(facts.WorldSize, request.Type);
        if (request.Bytes > table.Windowed)
            return new(AllReduceRoute.Nccl, "its ring carries long messages faster than our kernels' stores");
        return OwnRoute(request.Count, request.Type, facts.WorldSize, facts.HalfBytes) switch
        {
            AllReduceRoute.OneShot => new(AllReduceRoute.OneShot, "one trip is the fastest at this size"),
            AllReduceRoute.TwoShot => new(AllReduceRoute.TwoShot, "two trips carry less than the one-shot, which counts at this size"),
            AllReduceRoute.Windowed => new(AllReduceRoute.Windowed, "pieces stay in the second-level cache, which counts at this size"),
            _ => new(AllReduceRoute.Nccl, TooSmall),
        };
    }

    /// <summary>The same choice with a reason for each route that was not taken; allocates.</summary>
    internal static AllReduceChoice Explain(in AllReduceRequest request, AllReduceFacts facts)
    {
        AllReduceChoice choice = Route(request, facts);
        string lost = facts.Forced is { } forced && forced == choice.Route ? $"{forced} is forced"
            : facts.Tuning?.Find(request) == choice.Route ? $"{choice.Route} was measured to be faster at this size"
            : $"by the built-in table {choice.Route} is faster at this size";
        List<AllReduceRejection> others = [];
        foreach (AllReduceRoute route in Routes.Where(route => route != choice.Route))
            others.Add(new(route, Objection(route, request, facts) ?? lost));
        return choice with { Others = others };
    }

    /// <summary>Why a route can't take such a call; null: it can.</summary>
    internal static string? Objection(AllReduceRoute route, in AllReduceRequest request, AllReduceFacts facts)
    {
        if (facts.Policy == AllReducePolicy.Deterministic && !KeepsRankOrder(route))
            return KeepsNoOrder;
        if (route == AllReduceRoute.Nccl)
            return facts.NcclObjection;
        if (route == AllReduceRoute.CopyEngine)
            return PeerObjection(request, facts) ?? facts.CopyEngineObjection ?? (request.IsRegistered ? null : NotRegistered);
        return PeerObjection(request, facts) ?? (Fits(route, request, facts) ? null : TooSmall);
    }

    /// <summary>Those that do are listed: a route is to be looked at before it may call itself deterministic.</summary>
    internal static bool KeepsRankOrder(AllReduceRoute route) => route is AllReduceRoute.OneShot or AllReduceRoute.TwoShot or AllReduceRoute.Windowed or AllReduceRoute.CopyEngine;

    /// <summary>The fastest of our kernels that fits into half of the peer memory; <see cref="AllReduceRoute.None"/>: none does.</summary>
    internal static AllReduceRoute OwnRoute(nuint count, DataType type, int worldSize, nuint halfBytes)
    {
        AllReduceTable table = AllReduceTable.For(worldSize, type);
        nuint bytes = new AllReduceRequest(count, type, ReduceOp.Sum).Bytes, cells = PeerLaunch.Cells(count, type);
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

    /// <summary>Null: our kernels do it.</summary>
    private static string? PeerObjection(in AllReduceRequest request, AllReduceFacts facts) =>
        facts.PeerObjection is not null ? facts.PeerObjection
        : request.Op.Scaled is not null ? "premultiplied sums are NCCL's"
        : null;
}
