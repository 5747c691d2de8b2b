namespace CollectivesSharp.Perf.Routes;

/// <summary>How the calls of a comparison reach the device.</summary>
internal enum RouteMode
{
    Both,
    Eager,
    Captured,
}
