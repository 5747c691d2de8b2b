using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The fastest routes for a type, eager or captured, by size; the same on every rank.</summary>
/// <param name="Type">Of the elements.</param>
/// <param name="IsCaptured">In graphs; else eager.</param>
/// <param name="Bands">In ascending order. Beyond the last nothing was measured.</param>
public sealed record AllReduceBands(DataType Type, bool IsCaptured, IReadOnlyList<AllReduceBand> Bands)
{
    /// <summary>A route has to be so much faster than the one of the size before to take its place: neighbours that are equal but for noise make one band.</summary>
    private const double Margin = 0.015;

    /// <summary>Of calls on symmetric windows, which NCCL takes in another way (<see cref="AllReduceRoute.NcclSymmetric"/>).</summary>
    public bool IsSymmetric { get; init; }

    /// <summary>Of calls whose output lies in registered memory (<see cref="AllReduceRequest.IsRegistered"/>), which have more routes.</summary>
    public bool IsRegistered { get; init; }

    /// <summary>Sizes between two measured ones count to the larger.</summary>
    /// <param name="type">Of the elements.</param>
    /// <param name="isCaptured">In graphs.</param>
    /// <param name="isSymmetric">Between symmetric windows.</param>
    /// <param name="isRegistered">Into registered memory.</param>
    /// <param name="rows">In any order.</param>
    internal static AllReduceBands Of(DataType type, bool isCaptured, bool isSymmetric, bool isRegistered, IEnumerable<AllReduceTiming> rows)
    {
        List<AllReduceBand> bands = [];
        foreach (AllReduceTiming row in rows.Where(row => row.Type == type && row.IsCaptured == isCaptured).OrderBy(row => row.Bytes))
        {
            if (row.BestOf(isSymmetric, isRegistered) is not { } best)
                continue;
            if (bands.Count > 0 && row.Find(bands[^1].Route)?.Microseconds is { } before && before <= best.Microseconds * (1 + Margin))
                bands[^1] = bands[^1] with { UpTo = row.Bytes };
            else
                bands.Add(new AllReduceBand(row.Bytes, best.Route));
        }

        return new AllReduceBands(type, isCaptured, bands) { IsSymmetric = isSymmetric, IsRegistered = isRegistered };
    }

    /// <summary>Null: larger than what was measured.</summary>
    internal static AllReduceRoute? Find(IReadOnlyList<AllReduceBand> bands, nuint bytes)
    {
        for (int i = 0; i < bands.Count; i++)
        {
            if (bytes <= bands[i].UpTo)
                return bands[i].Route;
        }

        return null;
    }
}
