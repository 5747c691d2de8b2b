using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Makes bands of what was measured of a type. An eager call takes what the host or what the device takes, whichever is longer: of short messages the device waits for the host's next launch, and the routes' eager times differ by the
/// host's noise alone. There graphs tell which route leaves the device soonest.
/// </summary>
internal sealed class AllReduceBandMaker
{
    /// <summary>A route has to be so much faster than the one of the size before, or than the one that graphs take, to take its place: what is equal but for noise makes one band.</summary>
    private const double Margin = 0.015;

    /// <summary>A graph that needs less than this part of the eager time shows that the device waits for the host.</summary>
    private const double Waiting = 0.9;

    /// <summary>Of eager medians where the device waits for the host, at least: 2 H200s on a virtual machine, where a longer message was up to a tenth faster in one run, a third in another (bench/results/all-reduce-routes.json).</summary>
    private const double LeastNoise = 0.1;

    /// <summary>Where no graph was measured: up to so many times the shortest eager time of all sizes, the host may be what takes it. Twice the bytes take the device nearly twice as long once it is the device.</summary>
    private const double Flat = 1.5;

    private readonly DataType _type;
    private readonly AllReduceTiming[] _eager;
    private readonly AllReduceTiming[] _captured;
    private readonly double _noise;

    /// <param name="type">Of the elements.</param>
    /// <param name="rows">In any order, of any types.</param>
    internal AllReduceBandMaker(DataType type, IReadOnlyList<AllReduceTiming> rows)
    {
        _type = type;
        _eager = [.. rows.Where(row => row.Type == type && !row.IsCaptured).OrderBy(row => row.Bytes)];
        _captured = [.. rows.Where(row => row.Type == type && row.IsCaptured).OrderBy(row => row.Bytes)];
        _noise = Math.Max(LeastNoise, MeasureNoise());
    }

    /// <summary>Sizes between two measured ones count to the larger.</summary>
    /// <param name="isCaptured">In graphs.</param>
    /// <param name="isSymmetric">Between symmetric windows.</param>
    /// <param name="isRegistered">Into registered memory.</param>
    internal AllReduceBands Make(bool isCaptured, bool isSymmetric, bool isRegistered)
    {
        IReadOnlyList<AllReduceBand> graphs = isCaptured || _captured.Length == 0 ? [] : Make(true, isSymmetric, isRegistered).Bands;
        List<AllReduceBand> bands = [];
        foreach (AllReduceTiming row in isCaptured ? _captured : _eager)
        {
            RouteTiming[] rivals = [.. row.Rivals(isSymmetric, isRegistered)];
            if (rivals.Length == 0)
                continue;
            AllReduceRoute route = isCaptured ? Pick(rivals, Margin, Last()) : PickEager(row, rivals, AllReduceBands.Find(graphs, row.Bytes), Last());
            if (Last() == route)
                bands[^1] = bands[^1] with { UpTo = row.Bytes };
            else
                bands.Add(new AllReduceBand(row.Bytes, route));
        }

        return new AllReduceBands(_type, isCaptured, bands) { IsSymmetric = isSymmetric, IsRegistered = isRegistered };

        AllReduceRoute? Last() => bands.Count > 0 ? bands[^1].Route : null;
    }

    private AllReduceRoute PickEager(AllReduceTiming row, RouteTiming[] rivals, AllReduceRoute? graphs, AllReduceRoute? before)
    {
        RouteTiming best = rivals.MinBy(rival => rival.Microseconds)!;
        if (CapturedOf(row) is not { } captured)
        {
            // Without graphs nobody knows. What differs by no more than the host's noise stays as it is, and begins with what has the fewest trips, in the order of the routes.
            bool mayBeHosts = best.Microseconds < Flat * _eager.SelectMany(other => other.Routes).Where(timing => timing.IsRight).Min(timing => timing.Microseconds);
            return Pick(rivals, mayBeHosts ? _noise : Margin, before, mayBeHosts ? rivals.First(rival => rival.Microseconds <= best.Microseconds * (1 + _noise)).Route : null);
        }

        if (!WaitsForHost(row, captured, best.Route))
            return Pick(rivals, Margin, graphs, before);
        RouteTiming[] onDevice = [.. rivals.Where(rival => rival.Microseconds <= best.Microseconds * (1 + _noise)).Select(rival => captured.Find(rival.Route)).OfType<RouteTiming>().Where(timing => timing.IsRight)];
        return Pick(onDevice, Margin, graphs, before);
    }

    /// <summary>The first of those asked for that is not slower than the fastest by more than the margin; else the fastest.</summary>
    private static AllReduceRoute Pick(RouteTiming[] rivals, double margin, params ReadOnlySpan<AllReduceRoute?> wanted)
    {
        RouteTiming best = rivals.MinBy(rival => rival.Microseconds)!;
        foreach (AllReduceRoute? route in wanted)
        {
            if (Array.Find(rivals, rival => rival.Route == route) is { } found && found.Microseconds <= best.Microseconds * (1 + margin))
                return found.Route;
        }

        return best.Route;
    }

    /// <summary>By how much a route's eager median falls from one size to the next larger one, at most, where the device waits for the host both times: nothing but noise makes a longer message faster.</summary>
    private double MeasureNoise() => (
        from pair in _eager.Zip(_eager.Skip(1))
        from timing in pair.First.Routes
        where AllReduceRouter.KeepsRankOrder(timing.Route) && WaitsForHost(pair.First, CapturedOf(pair.First), timing.Route) && WaitsForHost(pair.Second, CapturedOf(pair.Second), timing.Route)
        select (timing.Microseconds!.Value / pair.Second.Find(timing.Route)!.Microseconds!.Value) - 1).DefaultIfEmpty().Max();

    private AllReduceTiming? CapturedOf(AllReduceTiming row) => Array.Find(_captured, captured => captured.Bytes == row.Bytes);

    private static bool WaitsForHost(AllReduceTiming eager, AllReduceTiming? captured, AllReduceRoute route) =>
        captured?.Find(route) is { IsRight: true } device && eager.Find(route) is { IsRight: true } host && device.Microseconds < Waiting * host.Microseconds;
}
