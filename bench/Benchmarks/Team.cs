namespace CollectivesSharp.Benchmarks;

/// <summary>BenchmarkDotNet drives rank 0; the other ranks follow it on threads of their own, call by call, however often it calls.</summary>
internal sealed class Team
{
    private readonly IRank[] _ranks;
    private readonly Thread[] _peers;
    private long _calls;
    private long _lastCall = long.MaxValue;
    private Exception? _failure;

    private Team(IRank[] ranks)
    {
        _ranks = ranks;
        _peers = [.. ranks[1..].Select(rank => new Thread(() => Follow(rank)) { IsBackground = true, Name = "peer" })];
        foreach (Thread peer in _peers)
            peer.Start();
    }

    /// <summary>Makes the group, and each rank of it on a thread of its own, since that may be collective.</summary>
    internal static Team Start(int count, DeviceChoice device, Func<GroupCoordinator, IRank> create)
    {
        InProcessStore store = new();
        return new Team(Task.WhenAll(Enumerable.Range(0, count).Select(rank => Task.Factory.StartNew(
            () => create(GroupCoordinator.CreateAsync(new GroupOptions { Rank = rank, WorldSize = count, Store = store, Device = device }).GetAwaiter().GetResult()),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).GetAwaiter().GetResult());
    }

    internal void Call()
    {
        _calls++;
        _ranks[0].Call();
    }

    /// <summary>The peers stop behind a call, not behind a flag: each has made exactly as many as rank 0.</summary>
    internal void Stop()
    {
        Volatile.Write(ref _lastCall, _calls + 1);
        Call();
        foreach (Thread peer in _peers)
        {
            if (!peer.Join(TimeSpan.FromSeconds(60)))
                throw new TimeoutException("A rank did not return from its last call.");
        }

        Task.WhenAll(_ranks.Select(rank => Task.Run(rank.Dispose))).GetAwaiter().GetResult();
        if (_failure is not null)
            throw new InvalidOperationException("A rank failed.", _failure);
    }

    private void Follow(IRank rank)
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
