using System.Diagnostics;

namespace CollectivesSharp;

/// <summary>
/// MPI moves data only inside of calls of MPI. Sends that have returned before their receiver came would wait for this rank's next call: a thread makes calls meanwhile, and sleeps
/// when nothing is under way.
/// </summary>
internal static class MpiProgress
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(1);
    private static readonly List<MpiSendSlots> s_watched = [];
    private static readonly List<MpiSendSlots> s_orphans = [];
    private static readonly AutoResetEvent s_work = new(false);
    private static bool s_started;

    /// <summary>Until nothing of it is under way. Wants the lock.</summary>
    internal static void Watch(MpiSendSlots slots)
    {
        if (s_watched.Contains(slots))
            return;
        s_watched.Add(slots);
        if (!s_started)
        {
            s_started = true;
            new Thread(Run) { IsBackground = true, Name = "CollectivesSharp MPI progress" }.Start();
        }

        s_work.Set();
    }

    /// <summary>Takes over the slots of a disposed communicator. Wants the lock.</summary>
    internal static void Adopt(MpiSendSlots slots)
    {
        if (slots.Progress())
        {
            s_watched.Remove(slots);
            slots.Dispose();
            return;
        }

        s_orphans.Add(slots);
        Watch(slots);
    }

    /// <summary>What was sent before the end of the process is delivered.</summary>
    internal static void Drain(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        while (Step() && Stopwatch.GetElapsedTime(start) < patience)
            Thread.Sleep(s_interval);
    }

    private static void Run()
    {
        while (true)
        {
            s_work.WaitOne();
            while (Step())
                Thread.Sleep(s_interval);
        }
    }

    /// <summary>True if something is still under way.</summary>
    private static bool Step()
    {
        lock (MpiRuntime.Lock)
        {
            try
            {
                for (int i = s_watched.Count - 1; i >= 0; i--)
                {
                    MpiSendSlots slots = s_watched[i];
                    if (!slots.Progress())
                        continue;
                    s_watched.RemoveAt(i);
                    if (s_orphans.Remove(slots))
                        slots.Dispose();
                }
            }
            catch (MpiException)
            {
                // The communicator's next call meets the same error and reports it.
                MpiRuntime.MarkBroken();
                s_watched.Clear();
            }

            return s_watched.Count > 0;
        }
    }
}
