using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The fastest routes for a type, eager or captured, by size; the same on every rank.</summary>
/// <param name="Type">Of the elements.</param>
/// <param name="IsCaptured">In graphs; else eager.</param>
/// <param name="Bands">In ascending order. Beyond the last nothing was measured.</param>
public sealed record AllReduceBands(DataType Type, bool IsCaptured, IReadOnlyList<AllReduceBand> Bands)
{
    /// <summary>Of calls on symmetric windows, which NCCL takes in another way (<see cref="AllReduceRoute.NcclSymmetric"/>).</summary>
    public bool IsSymmetric { get; init; }

    /// <summary>Of calls whose output lies in registered memory (<see cref="AllReduceRequest.IsRegistered"/>), which have more routes.</summary>
    public bool IsRegistered { get; init; }

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
