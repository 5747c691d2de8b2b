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
    public RouteTiming? Best => Routes.Where(timing => timing.IsRight).MinBy(timing => timing.Microseconds);

    /// <summary>The fastest that the choice was among: without NCCL's symmetric windows.</summary>
    public RouteTiming? Rival => BestOf(isSymmetric: false, isRegistered: true);

    /// <summary>By how much the choice is slower than that: 0.03 is 3 %. Null: it can't take the call, or its sums are wrong.</summary>
    public double? Distance => DistanceOf(Choice, Rival);

    /// <summary>What the group would have taken of plain buffers, whose output is not registered either; null: nobody has asked.</summary>
    public AllReduceRoute? PlainChoice { get; init; }

    /// <summary>The fastest that <see cref="PlainChoice"/> was among: without the routes into registered memory too.</summary>
    public RouteTiming? PlainRival => BestOf(isSymmetric: false, isRegistered: false);

    /// <summary>By how much <see cref="PlainChoice"/> is slower than that, as <see cref="Distance"/>.</summary>
    public double? PlainDistance => PlainChoice is { } choice ? DistanceOf(choice, PlainRival) : null;

    /// <summary>Of the routes that such calls have.</summary>
    internal RouteTiming? BestOf(bool isSymmetric, bool isRegistered) => Rivals(isSymmetric, isRegistered).MinBy(route => route.Microseconds);

    /// <summary>The routes that such calls have, as far as they were measured and their sums are right.</summary>
    internal IEnumerable<RouteTiming> Rivals(bool isSymmetric, bool isRegistered) => Routes.Where(timing => timing.IsRight && timing.Route switch
    {
        AllReduceRoute.Nccl => !isSymmetric,
        AllReduceRoute.NcclSymmetric => isSymmetric,
        AllReduceRoute.CopyEngine or AllReduceRoute.Registered => isRegistered,
        _ => true,
    });

    private double? DistanceOf(AllReduceRoute choice, RouteTiming? rival) => rival is not null && Find(choice) is { IsRight: true } chosen ? (chosen.Microseconds / rival.Microseconds) - 1 : null;

    public RouteTiming? Find(AllReduceRoute route) => Routes.FirstOrDefault(timing => timing.Route == route);
}
