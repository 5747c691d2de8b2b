using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Tells at once when another process of this machine ends, however it ends. One background thread a process polls a pidfd for each
/// watched process; where the kernel or a sandbox has no pidfds it looks at /proc four times a second.
/// </summary>
internal static unsafe class ProcessWatch
{
    private const int LookIntervalMilliseconds = 250;

    private static readonly Lock s_lock = new();
    private static readonly List<Watched> s_watched = [];
    private static int s_wake = -1;

    /// <summary>
    /// Calls <paramref name="ended"/> once, on the watching thread, when the process that had this id and start time is no more; also if that is the case
    /// already. Disposing the result ends the watch; a call-back under way may still finish.
    /// </summary>
    internal static IDisposable Start(int processId, long startTime, Action ended)
    {
        int descriptor = PosixNative.pidfd_open(processId, 0);
        bool gone = descriptor < 0 && PosixNative.Errno == PosixNative.ESRCH;

        // The id may have been given to another process since: the start time tells, and after pidfd_open it can't change under us.
        gone |= !ProcessIdentity.IsAlive(processId, startTime);
        Watched watched = new(processId, startTime, descriptor, gone, ended);
        lock (s_lock)
        {
            s_watched.Add(watched);
            if (s_wake < 0)
                StartThread();
            Wake();
        }

        return watched;
    }

    private static void StartThread()
    {
        s_wake = PosixNative.eventfd(0, PosixNative.EFD_CLOEXEC | PosixNative.EFD_NONBLOCK);
        if (s_wake < 0)
            throw new IOException($"eventfd: {PosixNative.Describe(PosixNative.Errno)}");
        new Thread(Watch, 256 << 10) { IsBackground = true, Name = "CollectivesSharp process watch" }.Start();
    }

    private static void Wake()
    {
        ulong one = 1;
        PosixNative.write(s_wake, &one, sizeof(ulong));
    }

    private static void Watch()
    {
        while (true)
        {
            Watched[] all;
            lock (s_lock)
                all = [.. s_watched];

            pollfd[] descriptors = new pollfd[all.Length + 1];
            descriptors[0] = new pollfd { fd = s_wake, events = PosixNative.POLLIN };
            for (int i = 0; i < all.Length; i++)
                descriptors[i + 1] = new pollfd { fd = all[i].Descriptor, events = PosixNative.POLLIN };
            int timeout = all.Any(watched => watched.Gone) ? 0 : all.Any(watched => watched.Descriptor < 0) ? LookIntervalMilliseconds : -1;
            fixed (pollfd* first = descriptors)
                PosixNative.poll(first, (nuint)descriptors.Length, timeout);

            ulong ignored;
            PosixNative.read(s_wake, &ignored, sizeof(ulong));
            for (int i = 0; i < all.Length; i++)
            {
                Watched watched = all[i];
                if (watched.Gone || descriptors[i + 1].revents != 0 || (watched.Descriptor < 0 && !ProcessIdentity.IsAlive(watched.ProcessId, watched.StartTime)))
                    watched.End();
            }

            // Descriptors are closed here alone, so that no number is polled after it was closed and given to something else.
            lock (s_lock)
            {
                for (int i = s_watched.Count - 1; i >= 0; i--)
                {
                    if (!s_watched[i].Done)
                        continue;
                    if (s_watched[i].Descriptor >= 0)
                        PosixNative.close(s_watched[i].Descriptor);
                    s_watched.RemoveAt(i);
                }
            }
        }
    }

    private sealed class Watched(int processId, long startTime, int descriptor, bool gone, Action ended) : IDisposable
    {
        private int _done;

        internal int ProcessId { get; } = processId;

        internal long StartTime { get; } = startTime;

        internal int Descriptor { get; } = descriptor;

        internal bool Gone { get; } = gone;

        internal bool Done => Volatile.Read(ref _done) != 0;

        internal void End()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
                ended();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
                Wake();
        }
    }
}
