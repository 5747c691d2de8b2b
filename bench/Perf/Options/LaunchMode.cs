namespace CollectivesSharp.Perf;

/// <summary>What ranks are, when no launcher started this program.</summary>
internal enum LaunchMode
{
    Processes,
    Threads,
}
