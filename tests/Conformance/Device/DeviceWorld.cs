using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// The ranks that cases on device memory run on, a GPU each: threads, or the processes of a launched job. With COLLECTIVES_TEST_NODES=N the processes play N nodes, to NCCL as well. With
/// COLLECTIVES_TEST_SHARED_DEVICE=1 all of them take device 0, each as a node of its own, because NCCL wants a GPU for each rank of a node. With
/// COLLECTIVES_TEST_VIRTUAL_RANKS=N up to N ranks share device 0 on one node, where our own kernels alone work (on a GPU set CUDA_DEVICE_MAX_CONNECTIONS=32); with COLLECTIVES_TEST_BRIEF=1, which leaves a handful of cases of each collective, N ranks.
/// </summary>
public static class DeviceWorld
{
    private const string HostId = "COLLECTIVES_HOST_ID";

    private static readonly Dictionary<int, RankThreads> s_threads = [];
    private static readonly bool s_shared = Environment.GetEnvironmentVariable("COLLECTIVES_TEST_SHARED_DEVICE") == "1";

    private static readonly int s_virtual = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_VIRTUAL_RANKS"), out int ranks) ? ranks : 0;

    /// <summary>Deadlines that a job of eight GPUs keeps to, and a test that hangs reaches. Whatever was tuned on this machine does not matter.</summary>
    private static readonly GroupOptions s_options = new() { Timeout = TimeSpan.FromSeconds(60), DeviceTimeout = TimeSpan.FromSeconds(60), Device = SharesDevice ? 0 : DeviceChoice.Auto, AllReduceTuning = AllReduceTuningMode.Off };

    private static DeviceRank? s_rank;

    internal static bool IsBrief { get; } = Environment.GetEnvironmentVariable("COLLECTIVES_TEST_BRIEF") == "1";

    internal static bool SharesDevice => s_shared || s_virtual > 0;

    /// <summary>Threads of one process: they share a context, and its default streams.</summary>
    internal static bool SharesContext => s_virtual > 0 && !World.IsLaunched;

    public static TheoryData<int> Sizes => World.IsLaunched ? [World.Launch.WorldSize] : IsBrief && s_virtual > 0 ? [s_virtual] : [.. Enumerable.Range(1, Math.Clamp(s_virtual > 0 ? s_virtual : CudaDevice.All.Count, 1, 8))];

    /// <summary>For what needs a peer; with one GPU a row that says so.</summary>
    public static TheoryData<int> PeerSizes => Sizes.Select(row => row.Data).Where(size => size > 1).ToArray() is { Length: > 0 } sizes ? [.. sizes] : FewSizes;

    /// <summary>
    /// For what needs a peer, and is not about how many there are. Of ranks in one context 4 at most: with 8 the launch of a graph that owns memory stood still on an H200, where the driver may have waited for other ranks' kernels to map it.
    /// </summary>
    public static TheoryData<int> FewSizes => World.IsLaunched ? [World.Launch.WorldSize] : s_virtual > 0 ? s_virtual > 2 ? [2, Math.Min(s_virtual, 4)] : [2] : CudaDevice.All.Count > 2 ? [2, Math.Min(CudaDevice.All.Count, 8)] : [2];

    /// <summary>Before anything else of this process looks: which node this rank of a launched job plays.</summary>
    internal static void PlayNode()
    {
        int nodes = World.Nodes > 1 ? World.Nodes : s_shared ? World.Launch.WorldSize : 1;
        if (World.IsLaunched && nodes > 1 && Environment.GetEnvironmentVariable(HostId) is null)
            Environment.SetEnvironmentVariable(HostId, World.NodeOf(World.Launch.Rank, World.Launch.WorldSize, nodes));
    }

    /// <summary>Runs <paramref name="body"/> on every rank. Skips the test where there is no GPU, or too few.</summary>
    internal static void Run(int size, Action<DeviceRank> body)
    {
        SkipWithoutDevice();
        if (!World.IsLaunched)
        {
            Assert.SkipWhen(s_virtual == 0 && size > CudaDevice.All.Count, $"{size} GPUs are needed; visible: {CudaDevice.DescribeAll()}.");
            if (s_virtual > 0)
                EndOthers(size);
            if (!s_threads.TryGetValue(size, out RankThreads? threads) || threads.HaveEnded)
                s_threads[size] = threads = new RankThreads(size, s_options);
            threads.Run(body);
            return;
        }

        World.RunLaunched(s_options, group => body(s_rank ??= new DeviceRank(group)));
    }

    /// <summary>For what needs no peer: this process's rank's, or the first. Skips the test where there is none.</summary>
    internal static CudaDevice OwnDevice()
    {
        SkipWithoutDevice();
        return CudaDevice.All[World.IsLaunched && !SharesDevice ? (World.Launch.LocalRank ?? World.Launch.Rank) % CudaDevice.All.Count : 0];
    }

    /// <summary>
    /// Before ranks that share a device would have more streams than it has queues (32 at most, CUDA_DEVICE_MAX_CONNECTIONS): a kernel may come to stand behind one that waits for it then. A test makes up to three streams a rank.
    /// </summary>
    private static void EndOthers(int size)
    {
        const int Most = 8;
        foreach ((int other, RankThreads threads) in s_threads.Where(item => item.Key != size).ToArray())
        {
            if (s_threads.Keys.Where(key => key != size).Sum() + size <= Most)
                return;
            threads.Dispose();
            s_threads.Remove(other);
        }
    }

    private static void SkipWithoutDevice()
    {
        if (!CudaDriver.TryInitialize(out string? reason))
            Assert.Skip(reason!);
    }

    internal static void Leave()
    {
        s_rank?.Dispose();
        s_rank = null;
        foreach (RankThreads threads in s_threads.Values)
            threads.Dispose();
        s_threads.Clear();
    }
}
