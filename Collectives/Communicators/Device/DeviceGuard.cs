namespace CollectivesSharp;

/// <summary>
/// Looks where nobody calls: one background thread a process, fifty times a second at the faults of every group that moves device memory and at calls that do not come back, five times at NCCL's asynchronous
/// errors. It runs while there is a communicator.
/// </summary>
internal static class DeviceGuard
{
    private const int PeriodMilliseconds = 20;
    private const int LooksPerErrorQuery = 10;

    private static readonly Lock s_lock = new();
    private static readonly List<IGuardedCommunicator> s_communicators = [];
    private static bool s_running;

    internal static void Watch(IGuardedCommunicator communicator)
    {
        lock (s_lock)
        {
            s_communicators.Add(communicator);
            if (s_running)
                return;
            s_running = true;
            new Thread(Run, 256 << 10) { IsBackground = true, Name = "CollectivesSharp device guard" }.Start();
        }
    }

    internal static void Forget(IGuardedCommunicator communicator)
    {
        lock (s_lock)
            s_communicators.Remove(communicator);
    }

    private static void Run()
    {
        for (int look = 1; ; look++)
        {
            IGuardedCommunicator[] all;
            lock (s_lock)
            {
                all = [.. s_communicators];
                if (all.Length == 0)
                {
                    s_running = false;
                    return;
                }
            }

            foreach (IGuardedCommunicator communicator in all)
                communicator.Look(thorough: look % LooksPerErrorQuery == 0);
            Thread.Sleep(PeriodMilliseconds);
        }
    }
}
