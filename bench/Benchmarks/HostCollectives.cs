using BenchmarkDotNet.Attributes;

namespace CollectivesSharp.Benchmarks;

/// <summary>
/// Host collectives between ranks that are threads, out of place, float. BenchmarkDotNet drives rank 0; the other ranks follow it call by call, however often it calls.
/// </summary>
public class HostCollectives
{
    private readonly List<Thread> _peers = [];
    private Rank[] _ranks = [];
    private long _calls;
    private long _lastCall;
    private Exception? _failure;

    [Params(CollectiveKind.AllReduce, CollectiveKind.AllGather, CollectiveKind.ReduceScatter, CollectiveKind.AllToAll, CollectiveKind.Broadcast)]
    public CollectiveKind Collective { get; set; }

    [Params(2, 4)]
    public int Ranks { get; set; }

    /// <summary>nccl-tests' size: the longer of a rank's two buffers.</summary>
    [Params(1 << 10, 64 << 10, 1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        InProcessStore store = new();
        _ranks = Task.WhenAll(Enumerable.Range(0, Ranks).Select(async rank => new Rank(
            await GroupCoordinator.CreateAsync(new GroupOptions { Rank = rank, WorldSize = Ranks, Store = store }).ConfigureAwait(false),
            Collective, Bytes / sizeof(float)))).GetAwaiter().GetResult();
        _calls = 0;
        _lastCall = long.MaxValue;
        foreach (Rank rank in _ranks[1..])
        {
            Thread peer = new(() => Follow(rank)) { IsBackground = true, Name = "peer" };
            _peers.Add(peer);
            peer.Start();
        }
    }

    [Benchmark]
    public void Call()
    {
        _calls++;
        _ranks[0].Call();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        // The peers stop behind a call, not behind a flag: each has made exactly as many as rank 0.
        Volatile.Write(ref _lastCall, _calls + 1);
        Call();
        foreach (Thread peer in _peers)
        {
            if (!peer.Join(TimeSpan.FromSeconds(60)))
                throw new TimeoutException("A rank did not return from its last call.");
        }

        _peers.Clear();
        Task.WhenAll(_ranks.Select(rank => rank.Group.DisposeAsync().AsTask())).GetAwaiter().GetResult();
        if (_failure is not null)
            throw new InvalidOperationException("A rank failed.", _failure);
    }

    private void Follow(Rank rank)
    {
        try
        {
            for (long calls = 0; calls != Volatile.Read(ref _lastCall); calls++)
                rank.Call();
        }
        catch (Exception e)
        {
            // Rank 0 must not wait for the deadline.
            _failure = e;
            rank.Group.Abort(e.Message);
        }
    }
}
