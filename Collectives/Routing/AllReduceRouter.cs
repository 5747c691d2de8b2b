using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Picks the way of an all-reduce. Pure: the same facts and the same request give the same route on every rank. Allocates nothing where there is a route.</summary>
internal static class AllReduceRouter
{
    private const string TooSmall = "peer memory is too small, see GroupOptions.ArenaBytes";
    private const string TooLong = "nobody has measured so long messages: as the longest that were";
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
        AllReduceTable table = AllReduceTable.For(facts, request.Type, request.IsRegistered, noNccl is null);
        AllReduceRoute own = cannot is null ? OwnRoute(table, request, facts) : AllReduceRoute.None, wanted = AllReduceBands.Find(table.Bands, request.Bytes)!.Value;
        bool isNccls = wanted == AllReduceRoute.Nccl;
        if (own != AllReduceRoute.None && noNccl is not null)
            return new(own, facts.Policy == AllReducePolicy.Deterministic ? "Deterministic; the built-in table's choice of those that reduce in rank order" : facts.NcclObjection is null ? noNccl : "NCCL is not there");
        string? doubt = Doubt(table, wanted, request, facts);
        if (own != AllReduceRoute.None && (!isNccls || (nccl == AllReduceRoute.NcclSymmetric && facts.Hardware.Kind == PeerHardwareKind.Measured)))
        {
            return new(own, own switch
            {
                _ when isNccls => doubt ?? "NCCL's ring would carry it faster, but not between symmetric windows",
                _ when own != wanted => "the built-in table's does not fit: " + TooSmall,
                _ when doubt is not null => doubt,
                AllReduceRoute.CopyEngine => "copy engines carry more than stores of the multiprocessors, which counts at this size",
                AllReduceRoute.OneShot => "one trip is the fastest at this size",
                AllReduceRoute.Registered => "results go straight into every rank's output, which counts at this size",
                AllReduceRoute.TwoShot => "two trips carry less than the one-shot, which counts at this size",
                _ => "pieces stay in the second-level cache, which counts at this size",
            });
        }

        if (noNccl is null)
            return new(nccl, cannot ?? (!isNccls ? TooSmall : doubt ?? "its ring carries long messages faster than our kernels' stores"));
        return new(AllReduceRoute.None, $"NCCL: {noNccl}{(noNccl.EndsWith('.') ? "" : ".")} Our kernels: {cannot ?? TooSmall}.");
    }

    /// <summary>The same choice with a reason for each route that was not taken; allocates.</summary>
    internal static AllReduceChoice Explain(in AllReduceRequest request, AllReduceFacts facts)
    {
        AllReduceChoice choice = Route(request, facts);
        List<AllReduceRejection> others = [];
        foreach (AllReduceRoute route in Routes.Where(route => route != choice.Route))
            others.Add(new(route, Objection(route, request, facts) ?? Defeat(route, choice.Route, request, facts)));
        return choice with { Others = others };
    }

    /// <summary>Why a route that could take such a call does not.</summary>
    private static string Defeat(AllReduceRoute route, AllReduceRoute choice, in AllReduceRequest request, AllReduceFacts facts)
    {
        if (facts.Forced == choice)
            return $"{choice} is forced";
        if (facts.Tuning is { } tuning && tuning.Find(request) == choice)
            return tuning.HasCompared(route, request) ? $"{choice} was measured to be faster at this size" : "it was not among those that were measured here";
        AllReduceRoute nccl = request.TakesWindowKernels ? AllReduceRoute.NcclSymmetric : AllReduceRoute.Nccl;
        AllReduceTable table = AllReduceTable.For(facts, request.Type, request.IsRegistered, Objection(nccl, request, facts) is null);
        if (facts.Hardware.Doubt is null && table.HasMeasured(route, request.Bytes))
            return $"no faster than {choice} at this size by {(table.Doubt is null ? "the built-in table" : "the prototypes of the built-in table")}";
        return Array.Exists(table.Bands, band => band.Route == route)
            ? $"the built-in table has it for other sizes; {Doubt(table, choice, request, facts) ?? "nobody has measured it at this one"}"
            : "not in the built-in table for such calls of these ranks: nobody has measured it there";
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

    /// <summary>Why nobody can say that the table's choice is the fastest; null: it was measured.</summary>
    private static string? Doubt(AllReduceTable table, AllReduceRoute wanted, in AllReduceRequest request, AllReduceFacts facts) =>
        facts.Hardware.Doubt ?? table.Doubt ?? (table.HasMeasured(wanted, request.Bytes) ? null : TooLong);

    /// <summary>The fastest of our kernels that fits into half of the peer memory; <see cref="AllReduceRoute.None"/>: none does.</summary>
    internal static AllReduceRoute OwnRoute(in AllReduceRequest request, AllReduceFacts facts) => OwnRoute(AllReduceTable.For(facts, request.Type, request.IsRegistered, hasNccl: false), request, facts);

    private static AllReduceRoute OwnRoute(AllReduceTable table, in AllReduceRequest request, AllReduceFacts facts)
    {
        (nuint bytes, nuint cells, int worldSize, nuint halfBytes) = (request.Bytes, PeerLaunch.Cells(request.Count, request.Type), facts.WorldSize, facts.HalfBytes);
        foreach (AllReduceBand band in table.Bands)
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
