using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Picks the way of an all-reduce. Pure: the same facts and the same request give the same route on every rank. Allocates nothing where there is a route.</summary>
internal static class AllReduceRouter
{
    private const string TooSmall = "peer memory is too small, see GroupOptions.ArenaBytes";
    private const string NotSymmetric = "input and output are not both in symmetric windows (group.Register, NCCL 2.27.3 or newer)";
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
        AllReduceRoute nccl = request.TakesWindowKernels ? AllReduceRoute.NcclSymmetric : AllReduceRoute.Nccl;
        string? noNccl = Objection(nccl, request, facts), cannot = PeerObjection(request, facts);
        AllReduceRoute own = cannot is null ? OwnRoute(request.Count, request.Type, facts.WorldSize, facts.HalfBytes, request.IsRegistered, facts.CopyEngineObjection is null) : AllReduceRoute.None;
        bool isNccls = AllReduceBands.Find(AllReduceTable.For(facts.WorldSize, request.Type), request.Bytes) == AllReduceRoute.Nccl;
        if (own != AllReduceRoute.None && noNccl is not null)
            return new(own, facts.Policy == AllReducePolicy.Deterministic ? "Deterministic; the fastest of those that reduce in rank order" : facts.NcclObjection is null ? noNccl : "NCCL is not there");
        if (own != AllReduceRoute.None && (!isNccls || nccl == AllReduceRoute.NcclSymmetric))
        {
            return new(own, own switch
            {
                _ when isNccls => "NCCL's ring would carry it faster, but not between symmetric windows",
                AllReduceRoute.CopyEngine => "copy engines carry more than stores of the multiprocessors, which counts at this size",
                AllReduceRoute.OneShot => "one trip is the fastest at this size",
                AllReduceRoute.Registered => "results go straight into every rank's output, which counts at this size",
                AllReduceRoute.TwoShot => "two trips carry less than the one-shot, which counts at this size",
                _ => "pieces stay in the second-level cache, which counts at this size",
            });
        }

        if (noNccl is null)
            return new(nccl, cannot ?? (isNccls ? "its ring carries long messages faster than our kernels' stores" : TooSmall));
        return new(AllReduceRoute.None, $"NCCL: {noNccl}{(noNccl.EndsWith('.') ? "" : ".")} Our kernels: {cannot ?? TooSmall}.");
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
        if (route is AllReduceRoute.Nccl or AllReduceRoute.NcclSymmetric)
        {
            return facts.NcclObjection
                ?? (request.IsMisaligned ? "NCCL's results are wrong where 8- or 16-bit elements in symmetric windows don't begin at multiples of 4 bytes" : null)
                ?? (request.TakesWindowKernels == (route == AllReduceRoute.NcclSymmetric) ? null
                : route == AllReduceRoute.Nccl ? "between symmetric windows NCCL takes its kernels for those"
                : request.IsSymmetric ? "NCCL's kernels for symmetric windows sum floats of up to 32 bits" : NotSymmetric);
        }

        if (route == AllReduceRoute.CopyEngine)
            return PeerObjection(request, facts) ?? facts.CopyEngineObjection ?? (request.IsRegistered ? null : NotRegistered);
        if (route == AllReduceRoute.Registered && !request.IsRegistered)
            return PeerObjection(request, facts) ?? NotRegistered;
        return PeerObjection(request, facts) ?? (Fits(route, PeerLaunch.Cells(request.Count, request.Type), facts.WorldSize, facts.HalfBytes) ? null : TooSmall);
    }

    /// <summary>Those that do are listed: a route is to be looked at before it may call itself deterministic.</summary>
    internal static bool KeepsRankOrder(AllReduceRoute route) => route is AllReduceRoute.OneShot or AllReduceRoute.TwoShot or AllReduceRoute.Windowed or AllReduceRoute.CopyEngine or AllReduceRoute.Registered;

    /// <summary>The fastest of our kernels that fits into half of the peer memory; <see cref="AllReduceRoute.None"/>: none does.</summary>
    internal static AllReduceRoute OwnRoute(nuint count, DataType type, int worldSize, nuint halfBytes, bool isRegistered = false, bool hasCopyEngines = false)
    {
        nuint bytes = new AllReduceRequest(count, type, ReduceOp.Sum).Bytes, cells = PeerLaunch.Cells(count, type);
        foreach (AllReduceBand band in AllReduceTable.For(worldSize, type, isRegistered, hasCopyEngines))
        {
            if (bytes <= band.UpTo && Fits(band.Route, cells, worldSize, halfBytes))
                return band.Route;
        }

        foreach (AllReduceRoute route in (ReadOnlySpan<AllReduceRoute>)[AllReduceRoute.Windowed, AllReduceRoute.TwoShot, AllReduceRoute.OneShot])
        {
            if (Fits(route, cells, worldSize, halfBytes))
                return route;
        }

        return AllReduceRoute.None;
    }

    /// <summary>Into half of the peer memory; what is not ours does not.</summary>
    private static bool Fits(AllReduceRoute route, nuint cells, int worldSize, nuint halfBytes) => route switch
    {
        AllReduceRoute.OneShot => PeerLaunch.OneShotFits(cells, worldSize, halfBytes),
        AllReduceRoute.TwoShot => PeerLaunch.TwoShotFits(cells, worldSize, halfBytes),
        AllReduceRoute.Windowed => PeerLaunch.HasWindow(PeerLaunch.WindowedRings, worldSize, halfBytes),
        AllReduceRoute.Registered => PeerLaunch.HasWindow(PeerLaunch.RegisteredRings, worldSize, halfBytes),
        AllReduceRoute.CopyEngine => true,
        _ => false,
    };

    /// <summary>Null: our kernels do it.</summary>
    private static string? PeerObjection(in AllReduceRequest request, AllReduceFacts facts) =>
        facts.PeerObjection is not null ? facts.PeerObjection
        : request.Op.Scaled is not null ? "premultiplied sums are NCCL's"
        : null;
}
