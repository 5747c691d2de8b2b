using System.Runtime.ExceptionServices;

namespace CollectivesSharp;

/// <summary>Runs ranks as threads of this process: the shortest way to a group, and with shared GPUs or none the way to test one.</summary>
public static class ThreadRanks
{
    /// <summary>
    /// Runs <paramref name="body"/> on <paramref name="worldSize"/> threads, each with its rank's group, and returns when all have ended. If a body throws, its
    /// group is aborted so that no other rank waits for it, and the first exception that is not a consequence of that is rethrown.
    /// </summary>
    public static void Run(int worldSize, Action<GroupCoordinator> body, GroupOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize, 1);
        GroupOptions all = options ?? new GroupOptions();
        Run(worldSize, body, _ => all);
    }

    /// <summary>As the other, with options for each rank: nodes that are played by threads (<see cref="GroupOptions.HostId"/>), say.</summary>
    public static void Run(int worldSize, Action<GroupCoordinator> body, Func<int, GroupOptions> options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize, 1);
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(options);
        InProcessStore ownStore = new();
        Lock sync = new();
        Exception? cause = null;
        Thread[] threads = new Thread[worldSize];
        for (int rank = 0; rank < worldSize; rank++)
        {
            GroupOptions given = options(rank);
            GroupOptions own = given with { Rank = rank, WorldSize = worldSize, Store = given.Store ?? ownStore };
            threads[rank] = new Thread(() => RunRank(own)) { Name = $"rank {rank}", IsBackground = true };
            threads[rank].Start();
        }

        foreach (Thread thread in threads)
            thread.Join();
        if (cause is not null)
            ExceptionDispatchInfo.Throw(cause);

        void RunRank(GroupOptions own)
        {
            GroupCoordinator? group = null;
            try
            {
                group = GroupCoordinator.CreateAsync(own).GetAwaiter().GetResult();
                body(group);
            }
            catch (Exception e)
            {
                lock (sync)
                {
                    if (cause is null || (cause is CollectiveException && e is not CollectiveException))
                        cause = e;
                }

                if (group is { IsFaulted: false })
                    group.Abort($"{e.GetType().Name}: {e.Message}");
            }
            finally
            {
                group?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
    }
}
