using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What was measured of the routes on ranks like these. Types and sizes that were not are left to the built-in table.</summary>
/// <param name="WorldSize">How many ranks.</param>
/// <param name="Tables">One a type, eager or captured, and one more for registered outputs where those were measured.</param>
public sealed record AllReduceTuning(int WorldSize, IReadOnlyList<AllReduceBands> Tables)
{
    internal static AllReduceTuning Of(int worldSize, IReadOnlyList<AllReduceTiming> rows) =>
        new(worldSize, [.. rows.Select(row => (row.Type, row.IsCaptured)).Distinct().SelectMany(table => Of(table.Type, table.IsCaptured, rows)).Where(table => table.Bands.Count > 0)]);

    /// <summary>Null: not measured.</summary>
    internal AllReduceRoute? Find(in AllReduceRequest request)
    {
        // Where nothing more was measured for registered memory, it is memory like any other.
        return (request.IsRegistered ? Table(request, true) : null)?.Find(request.Bytes) ?? Table(request, false)?.Find(request.Bytes);
    }

    private static IEnumerable<AllReduceBands> Of(DataType type, bool isCaptured, IReadOnlyList<AllReduceTiming> rows)
    {
        yield return AllReduceBands.Of(type, isCaptured, rows);
        if (rows.Any(row => row.Find(AllReduceRoute.CopyEngine)?.Microseconds is not null))
            yield return AllReduceBands.Of(type, isCaptured, rows, isRegistered: true);
    }

    private AllReduceBands? Table(in AllReduceRequest request, bool isRegistered)
    {
        for (int i = 0; i < Tables.Count; i++)
        {
            if (Tables[i].Type == request.Type && Tables[i].IsCaptured == request.IsCaptured && Tables[i].IsRegistered == isRegistered)
                return Tables[i];
        }

        return null;
    }
}
