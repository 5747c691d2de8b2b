namespace CollectivesSharp;

/// <summary>Which route a group is told to take: its options, else COLLECTIVES_ALLREDUCE_ROUTE. Read when the group is made, and agreed.</summary>
internal static class RoutePreference
{
    internal const string Variable = "COLLECTIVES_ALLREDUCE_ROUTE";

    private static readonly (string Name, AllReduceRoute Route)[] s_names =
    [
        ("one-shot", AllReduceRoute.OneShot), ("two-shot", AllReduceRoute.TwoShot), ("windowed", AllReduceRoute.Windowed), ("copy-engine", AllReduceRoute.CopyEngine), ("registered", AllReduceRoute.Registered),
        ("nccl", AllReduceRoute.Nccl), ("nccl-symmetric", AllReduceRoute.NcclSymmetric), ("auto", AllReduceRoute.None),
    ];

    /// <summary>All that may be asked for, for messages and help.</summary>
    internal static string Names { get; } = string.Join(", ", s_names.SkipLast(1).Select(item => item.Name)) + " or auto";

    /// <summary><see cref="AllReduceRoute.None"/> for auto; null for what is no name.</summary>
    internal static AllReduceRoute? Find(string name) => Array.Find(s_names, item => item.Name == name) is { Name: not null } found ? found.Route : null;

    /// <summary>Null: none.</summary>
    internal static AllReduceRoute? Resolve(GroupOptions options) => options.AllReduceRoute switch
    {
        AllReduceRoute.None => throw new ArgumentException($"{nameof(GroupOptions)}.{nameof(GroupOptions.AllReduceRoute)} is {AllReduceRoute.None}: a route, or null for what is fastest."),
        { } route => route,
        null => Environment.GetEnvironmentVariable(Variable) switch
        {
            null or "" => null,
            { } name => Find(name) is not { } route ? throw new ArgumentException($"{Variable}={name}: {Names}.") : route == AllReduceRoute.None ? null : route,
        },
    };
}
