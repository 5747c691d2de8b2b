namespace CollectivesSharp;

/// <summary>Where a group's table of routes comes from.</summary>
public enum AllReduceTuningMode
{
    /// <summary>The cache, if the first rank finds a table there that was measured on such ranks; else the built-in table. Costs a message where nobody has ever tuned.</summary>
    Cached,

    /// <summary>The cache; if it has none, the routes are measured while the group is made, which takes seconds, and kept.</summary>
    Measure,

    /// <summary>The built-in table.</summary>
    Off,
}
