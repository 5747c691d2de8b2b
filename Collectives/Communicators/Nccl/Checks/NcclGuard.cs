namespace CollectivesSharp;

/// <summary>
/// Bounds what NCCL leaves unbounded: one background thread a process looks at every communicator, fifty times a second at the group's fault and at a call that does not come back, five times at NCCL's
/// asynchronous error. It runs while there is a communicator.
/// </summary>
internal static class NcclGuard
{
    private const int PeriodMilliseconds = 20;
    private const int LooksPerErrorQuery = 10;

    private static readonly Lock s_lock = new();
    private static readonly List<NcclCommunicator> s_communicators = [];
    private static bool s_running;

    internal static void Watch(NcclCommunicator communicator)
    {
        lock (s_lock)
        {
            s_communicators.Add(communicator);
            if (s_running)
                return;
            s_running = true;
            new Thread(Run, 256 << 10) { IsBackground = true, Name = "CollectivesSharp NCCL guard" }.Start();
        }
    }

    internal static void Forget(NcclCommunicator communicator)
    {
        lock (s_lock)
            s_communicators.Remove(communicator);
    }

    private static void Run()
    {
        for (int look = 1; ; look++)
        {
            NcclCommunicator[] all;
            lock (s_lock)
            {
                all = [.. s_communicators];
                if (all.Length == 0)
                {
                    s_running = false;
                    return;
                }
            }

            foreach (NcclCommunicator communicator in all)
                communicator.Look(thorough: look % LooksPerErrorQuery == 0);
            Thread.Sleep(PeriodMilliseconds);
        }
    }
}
