using BenchmarkDotNet.Attributes;

namespace CollectivesSharp.Benchmarks;

/// <summary>Host collectives between ranks that are threads, out of place, float.</summary>
public class HostCollectives
{
    private Team? _team;

    [Params(CollectiveKind.AllReduce, CollectiveKind.AllGather, CollectiveKind.ReduceScatter, CollectiveKind.AllToAll, CollectiveKind.Broadcast)]
    public CollectiveKind Collective { get; set; }

    [Params(2, 4)]
    public int Ranks { get; set; }

    /// <summary>nccl-tests' size: the longer of a rank's two buffers.</summary>
    [Params(1 << 10, 64 << 10, 1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup() => _team = Team.Start(Ranks, DeviceChoice.None, group => new HostRank(group, Collective, Bytes / sizeof(float)));

    [Benchmark]
    public void Call() => _team!.Call();

    [GlobalCleanup]
    public void Cleanup() => _team!.Stop();
}
