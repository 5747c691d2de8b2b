using System.Collections.Concurrent;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Ranks that are threads of this process and stay for many tests: making NCCL's communicators anew for each would take most of the time. A body that throws ends them.</summary>
internal sealed class RankThreads : IDisposable
{
    private readonly BlockingCollection<Work>[] _work;
    private readonly Task _life;

    internal RankThreads(int size, GroupOptions options)
    {
        _work = [.. Enumerable.Range(0, size).Select(_ => new BlockingCollection<Work>())];
        _life = Task.Factory.StartNew(() => ThreadRanks.Run(size, Serve, options), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    internal bool HaveEnded => _life.IsCompleted || _work[0].IsAddingCompleted;

    /// <summary>Throws what a body threw, or what the group could not be made for.</summary>
    internal void Run(Action<DeviceRank> body)
    {
        Work[] each = [.. _work.Select(_ => new Work(body, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)))];
        for (int rank = 0; rank < each.Length; rank++)
            _work[rank].Add(each[rank]);
        Task all = Task.WhenAll(each.Select(work => work.Done.Task));
        if (Task.WhenAny(all, _life).GetAwaiter().GetResult() == _life && !all.IsCompleted)
        {
            _life.GetAwaiter().GetResult();
            throw new InvalidOperationException("The ranks ended before the test.");
        }
    }

    public void Dispose()
    {
        End();
        if (!_life.IsFaulted)
            _life.GetAwaiter().GetResult();
    }

    private void Serve(GroupCoordinator group)
    {
        try
        {
            using DeviceRank rank = new(group);
            foreach (Work work in _work[group.RankInGroup].GetConsumingEnumerable())
            {
                work.Body(rank);
                work.Done.SetResult();
            }
        }
        catch
        {
            End();
            throw;
        }
    }

    private void End()
    {
        foreach (BlockingCollection<Work> work in _work)
            work.CompleteAdding();
    }

    private sealed record Work(Action<DeviceRank> Body, TaskCompletionSource Done);
}
