namespace CollectivesSharp;

/// <summary>Which route a group is told to take: its options, else COLLECTIVES_ALLREDUCE_ROUTE. Read when the group is made, and agreed.</summary>
internal static class RoutePreference
{
    internal const string Variable = "COLLECTIVES_ALLREDUCE_ROUTE";

    /// <summary>Null: none.</summary>
    internal static AllReduceRoute? Resolve(GroupOptions options) => options.AllReduceRoute switch
    {
        AllReduceRoute.None => throw new ArgumentException($"{nameof(GroupOptions)}.{nameof(GroupOptions.AllReduceRoute)} is {AllReduceRoute.None}: a route, or null for what is fastest."),
        { } route => route,
        null => Environment.GetEnvironmentVariable(Variable) switch
        {
            null or "" or "auto" => null,
            "nccl" => AllReduceRoute.Nccl,
            "one-shot" => AllReduceRoute.OneShot,
            "two-shot" => AllReduceRoute.TwoShot,
            "windowed" => AllReduceRoute.Windowed,
            "copy-engine" => AllReduceRoute.CopyEngine,
            { } other => throw new ArgumentException($"{Variable}={other}: nccl, one-shot, two-shot, windowed, copy-engine or auto."),
        },
    };
}
