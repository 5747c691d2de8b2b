using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What was measured of the routes on ranks like these. Types and sizes that were not are left to the built-in table.</summary>
/// <param name="WorldSize">How many ranks.</param>
/// <param name="Tables">One a type, eager or captured.</param>
public sealed record AllReduceTuning(int WorldSize, IReadOnlyList<AllReduceBands> Tables)
{
    internal static AllReduceTuning Of(int worldSize, IReadOnlyList<AllReduceTiming> rows) =>
        new(worldSize, [.. rows.Select(row => (row.Type, row.IsCaptured)).Distinct().Select(table => AllReduceBands.Of(table.Type, table.IsCaptured, rows)).Where(table => table.Bands.Count > 0)]);

    /// <summary>Null: not measured.</summary>
    internal AllReduceRoute? Find(in AllReduceRequest request)
    {
        for (int i = 0; i < Tables.Count; i++)
        {
            if (Tables[i].Type == request.Type && Tables[i].IsCaptured == request.IsCaptured)
                return AllReduceBands.Find(Tables[i].Bands, request.Bytes);
        }

        return null;
    }
}
