using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>All routes at one size, measured in turn; the same on every rank.</summary>
/// <param name="Bytes">Of input.</param>
/// <param name="Type">Of the elements; sums.</param>
/// <param name="IsCaptured">In graphs; else eager.</param>
/// <param name="Choice">What the group would have taken.</param>
/// <param name="Routes">Every route there is.</param>
public sealed record AllReduceTiming(nuint Bytes, DataType Type, bool IsCaptured, AllReduceRoute Choice, IReadOnlyList<RouteTiming> Routes)
{
    /// <summary>Null: no route can take the call.</summary>
    public RouteTiming? Best => Routes.Where(route => route.Microseconds is not null).MinBy(route => route.Microseconds);

    /// <summary>Of the routes that are there whether the output is registered, or only where it is.</summary>
    internal RouteTiming? BestOf(bool isRegistered) => Routes.Where(route => route.Microseconds is not null && (isRegistered || route.Route != AllReduceRoute.CopyEngine)).MinBy(route => route.Microseconds);

    /// <summary>By how much the choice is slower than the best: 0.03 is 3 %.</summary>
    public double? Distance => Best is { } best && Find(Choice)?.Microseconds is { } chosen ? (chosen / best.Microseconds) - 1 : null;

    public RouteTiming? Find(AllReduceRoute route) => Routes.FirstOrDefault(timing => timing.Route == route);
}
