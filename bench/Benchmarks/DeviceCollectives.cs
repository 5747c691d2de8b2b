using BenchmarkDotNet.Attributes;
using CollectivesSharp.Cuda;

namespace CollectivesSharp.Benchmarks;

/// <summary>
/// All-reduce of device memory by NCCL, out of place, float; ranks are threads, one a GPU. A measurement is <see cref="CallsPerInvoke"/> calls back to back and the wait for the last, shown
/// per call; in a graph they are captured once and replayed.
/// </summary>
public class DeviceCollectives
{
    private const int CallsPerInvoke = 20;

    private Team? _team;

    [Params(CollectiveKind.AllReduce)]
    public CollectiveKind Collective { get; set; }

    [ParamsSource(nameof(RankCounts))]
    public int Ranks { get; set; }

    [Params(1 << 10, 64 << 10, 1 << 20, 32 << 20)]
    public int Bytes { get; set; }

    [Params(false, true)]
    public bool Graph { get; set; }

    /// <summary>Two GPUs, and all of them.</summary>
    public static IEnumerable<int> RankCounts => new[] { 2, CudaDevice.All.Count }.Distinct();

    [GlobalSetup]
    public void Setup() => _team = Team.Start(Ranks, DeviceChoice.Required, group => new DeviceRank(group, Bytes / sizeof(float), CallsPerInvoke, Graph));

    [Benchmark(OperationsPerInvoke = CallsPerInvoke)]
    public void Call() => _team!.Call();

    [GlobalCleanup]
    public void Cleanup() => _team!.Stop();
}
