using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// MPI in this process: started by the first group unless the application has done so, ended at process exit if it was started here. All groups share one duplicate of
/// MPI_COMM_WORLD and keep apart by tags (<see cref="MpiTags"/>): making a group needs no call of MPI that could wait for a peer, and there is no communicator to free while
/// somebody still sends on it. Every call of MPI after the start is non-blocking and is made under <see cref="Lock"/>: MPI_THREAD_SERIALIZED is enough.
/// </summary>
internal static unsafe class MpiRuntime
{
    /// <summary>MPI_Finalize waits for all ranks, some of which may still compute. Ended before, Open MPI's mpirun would end them.</summary>
    private static readonly TimeSpan s_longestFinalize = TimeSpan.FromMinutes(10);

    /// <summary>When a peer fell silent once, it may never come.</summary>
    private static readonly TimeSpan s_doubtfulFinalize = TimeSpan.FromSeconds(10);

    /// <summary>Farewells that peers sent before they ended are on their way; a library may complain about messages that nobody received.</summary>
    private static readonly TimeSpan s_lastFarewells = TimeSpan.FromSeconds(1);

    private static readonly List<MpiHostCommunicator> s_retired = [];
    private static bool s_started;
    private static volatile bool s_broken;
    private static volatile bool s_doubtful;

    /// <summary>Every call of MPI is made under this.</summary>
    internal static Lock Lock { get; } = new();

    internal static MpiAbi Abi => MpiLibrary.Abi!;

    /// <summary>The duplicate of MPI_COMM_WORLD.</summary>
    internal static nint Communicator { get; private set; }

    internal static bool IsReady { get; private set; }

    internal static int Rank { get; private set; }

    internal static int Size { get; private set; }

    internal static int LargestTag { get; private set; }

    /// <summary>Collective over the job: Open MPI's waits for all ranks. Blocks without a deadline; call it on a thread that may be left behind.</summary>
    internal static void Start()
    {
        lock (Lock)
        {
            if (s_started)
                return;
            int flag = 0, provided = 0;
            MpiException.ThrowIfFailed(MpiNative.MPI_Finalized(&flag), nameof(MpiNative.MPI_Finalized));
            if (flag != 0)
                throw new MpiException("The application has ended MPI (MPI_Finalize) in this process; it can't be started again.");
            MpiException.ThrowIfFailed(MpiNative.MPI_Initialized(&flag), nameof(MpiNative.MPI_Initialized));
            bool own = flag == 0;
            if (own)
                MpiException.ThrowIfFailed(MpiNative.MPI_Init_thread(null, null, MpiAbi.MPI_THREAD_MULTIPLE, &provided), nameof(MpiNative.MPI_Init_thread));
            else
                MpiException.ThrowIfFailed(MpiNative.MPI_Query_thread(&provided), nameof(MpiNative.MPI_Query_thread));
            if (provided < MpiAbi.MPI_THREAD_SERIALIZED)
                throw new MpiException($"{MpiLibrary.Version} at {MpiLibrary.Path} gives thread level {provided}; MPI_THREAD_SERIALIZED ({MpiAbi.MPI_THREAD_SERIALIZED}) is needed{(own ? "" : ": ask for it in the application's MPI_Init_thread")}.");
            int rank, size;
            MpiException.ThrowIfFailed(MpiNative.MPI_Comm_rank(Abi.MPI_COMM_WORLD, &rank), nameof(MpiNative.MPI_Comm_rank));
            MpiException.ThrowIfFailed(MpiNative.MPI_Comm_size(Abi.MPI_COMM_WORLD, &size), nameof(MpiNative.MPI_Comm_size));
            int* largest = null;
            MpiException.ThrowIfFailed(MpiNative.MPI_Comm_get_attr(Abi.MPI_COMM_WORLD, Abi.MPI_TAG_UB, &largest, &flag), nameof(MpiNative.MPI_Comm_get_attr));
            (Rank, Size, LargestTag) = (rank, size, flag != 0 ? *largest : short.MaxValue);
            s_started = true;
            if (own)
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Finish();
        }
    }

    /// <summary>Collective over MPI_COMM_WORLD, once; see <see cref="Start"/> about blocking.</summary>
    internal static void Duplicate()
    {
        lock (Lock)
        {
            if (IsReady)
                return;
            nint communicator = 0;
            MpiException.ThrowIfFailed(MpiNative.MPI_Comm_dup(Abi.MPI_COMM_WORLD, &communicator), nameof(MpiNative.MPI_Comm_dup));
            MpiException.ThrowIfFailed(MpiNative.MPI_Comm_set_errhandler(communicator, Abi.MPI_ERRORS_RETURN), nameof(MpiNative.MPI_Comm_set_errhandler));
            Communicator = communicator;
            IsReady = true;
        }
    }

    /// <summary>A peer has died or MPI failed: MPI_Finalize would wait for what can't come.</summary>
    internal static void MarkBroken() => s_broken = true;

    /// <summary>A peer did not come in time.</summary>
    internal static void MarkDoubtful() => s_doubtful = true;

    /// <summary>Keeps a disposed communicator until every peer has said that it left too; then whatever it has not received is thrown away.</summary>
    internal static void Retire(MpiHostCommunicator communicator)
    {
        lock (Lock)
        {
            s_retired.Add(communicator);
            SweepRetired();
        }
    }

    /// <summary>True if none is left.</summary>
    internal static bool SweepRetired()
    {
        lock (Lock)
        {
            s_retired.RemoveAll(communicator => communicator.TryClear());
            return s_retired.Count == 0;
        }
    }

    /// <summary>Without it mpirun takes the end of this process for a failure. Bounded: the thread is left behind if it hangs.</summary>
    private static void Finish()
    {
        if (s_broken)
            return;
        Thread thread = new(FinalizeMpi) { IsBackground = true, Name = "CollectivesSharp MPI_Finalize" };
        thread.Start();
        thread.Join(s_doubtful ? s_doubtfulFinalize : s_longestFinalize);
    }

    /// <summary>Nobody is left to report an error to.</summary>
    private static void FinalizeMpi()
    {
        MpiProgress.Drain(s_doubtful ? s_lastFarewells : s_longestFinalize);
        long start = Environment.TickCount64;
        while (!SweepRetired() && Environment.TickCount64 - start < s_lastFarewells.TotalMilliseconds)
            Thread.Sleep(1);
        lock (Lock)
        {
            // What an interrupted call has begun and a peer will never take holds MPI_Finalize up for good.
            if (s_retired.Exists(communicator => communicator.WasInterrupted))
                return;
            int finalized = 0;
            nint communicator = Communicator;
            if (MpiNative.MPI_Finalized(&finalized) != MpiAbi.MPI_SUCCESS || finalized != 0)
                return;
            if (communicator != 0)
                _ = MpiNative.MPI_Comm_free(&communicator);
            _ = MpiNative.MPI_Finalize();
        }
    }
}
