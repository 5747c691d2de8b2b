using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>All routes at one size, measured in turn; the same on every rank.</summary>
/// <param name="Bytes">Of input.</param>
/// <param name="Type">Of the elements; sums.</param>
/// <param name="IsCaptured">In graphs; else eager.</param>
/// <param name="Choice">What the group would have taken, of buffers that lie in no window, with a registered output where there is one.</param>
/// <param name="Routes">Every route there is.</param>
public sealed record AllReduceTiming(nuint Bytes, DataType Type, bool IsCaptured, AllReduceRoute Choice, IReadOnlyList<RouteTiming> Routes)
{
    /// <summary>The fastest of those whose sums are right; null: no route can take the call.</summary>
    public RouteTiming? Best => BestOf(_ => true);

    /// <summary>The fastest that the choice was among: without NCCL's symmetric windows.</summary>
    public RouteTiming? Rival => BestOf(isSymmetric: false, isRegistered: true);

    /// <summary>By how much the choice is slower than that: 0.03 is 3 %. Null: it can't take the call, or its sums are wrong.</summary>
    public double? Distance => Rival is { } best && Find(Choice) is { Microseconds: { } chosen, Wrong: null or 0 } ? (chosen / best.Microseconds) - 1 : null;

    /// <summary>Of the routes that such calls have.</summary>
    internal RouteTiming? BestOf(bool isSymmetric, bool isRegistered) => BestOf(route => route switch
    {
        AllReduceRoute.Nccl => !isSymmetric,
        AllReduceRoute.NcclSymmetric => isSymmetric,
        AllReduceRoute.CopyEngine or AllReduceRoute.Registered => isRegistered,
        _ => true,
    });

    private RouteTiming? BestOf(Func<AllReduceRoute, bool> has) => Routes.Where(route => route is { Microseconds: not null, Wrong: null or 0 } && has(route.Route)).MinBy(route => route.Microseconds);

    public RouteTiming? Find(AllReduceRoute route) => Routes.FirstOrDefault(timing => timing.Route == route);
}
