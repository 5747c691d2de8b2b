using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What was measured of the routes on ranks like these. Types and sizes that were not are left to the built-in table.</summary>
/// <param name="WorldSize">How many ranks.</param>
/// <param name="Tables">One a type, eager or captured, and one more each between symmetric windows and for registered outputs where those were measured.</param>
public sealed record AllReduceTuning(int WorldSize, IReadOnlyList<AllReduceBands> Tables)
{
    internal static AllReduceTuning Of(int worldSize, IReadOnlyList<AllReduceTiming> rows)
    {
        Dictionary<DataType, AllReduceBandMaker> makers = rows.Select(row => row.Type).Distinct().ToDictionary(type => type, type => new AllReduceBandMaker(type, rows));
        IEnumerable<AllReduceBands> tables =
            from kind in rows.Select(row => (row.Type, row.IsCaptured)).Distinct()
            from place in ((bool IsSymmetric, bool IsRegistered, AllReduceRoute[] Routes)[])[(false, false, []), (true, false, [AllReduceRoute.NcclSymmetric]), (false, true, [AllReduceRoute.CopyEngine, AllReduceRoute.Registered])]
            where place.Routes.Length == 0 || rows.Any(row => (row.Type, row.IsCaptured) == kind && place.Routes.Any(route => row.Find(route)?.Microseconds is not null))
            select makers[kind.Type].Make(kind.IsCaptured, place.IsSymmetric, place.IsRegistered);
        return new(worldSize, [.. tables.Where(table => table.Bands.Count > 0)]);
    }

    /// <summary>Whether graphs take another route than eager calls.</summary>
    internal bool DependsOnCapture(in AllReduceRequest request) => Find(request with { IsCaptured = false }) != Find(request with { IsCaptured = true });

    /// <summary>Whether the route was among those that <see cref="Find(in AllReduceRequest)"/> chose from.</summary>
    internal bool HasCompared(AllReduceRoute route, in AllReduceRequest request) =>
        route is not (AllReduceRoute.CopyEngine or AllReduceRoute.Registered) || Find(request, isSymmetric: false, isRegistered: true) is not null;

    /// <summary>Null: not measured.</summary>
    internal AllReduceRoute? Find(in AllReduceRequest request) =>
        // Where nothing more was measured for registered memory, it is memory like any other.
        (request.IsRegistered ? Find(request, isSymmetric: false, isRegistered: true) : null) ?? Find(request, request.TakesWindowKernels, isRegistered: false);

    private AllReduceRoute? Find(in AllReduceRequest request, bool isSymmetric, bool isRegistered)
    {
        for (int i = 0; i < Tables.Count; i++)
        {
            if (Tables[i].Type == request.Type && Tables[i].IsCaptured == request.IsCaptured && Tables[i].IsSymmetric == isSymmetric && Tables[i].IsRegistered == isRegistered)
                return AllReduceBands.Find(Tables[i].Bands, request.Bytes);
        }

        return null;
    }
}
