namespace CollectivesSharp.Benchmarks;

/// <summary>One rank of a benchmark. Disposing leaves the group, whose other ranks do so at the same time.</summary>
internal interface IRank : IDisposable
{
    GroupCoordinator Group { get; }

    /// <summary>What is measured, once; returns when it is done.</summary>
    void Call();
}
