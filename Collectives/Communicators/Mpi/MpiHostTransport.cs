using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Host collectives over MPI: Open MPI, or MPICH and its relatives, told apart when the library is loaded. For ranks that are processes started by that MPI's
/// mpirun, on as many nodes as it spans. The library is COLLECTIVES_MPI_PATH, or the one that is in the process already, or what the loader finds.
/// </summary>
/// <remarks>
/// The first group of a process must be of all of MPI's ranks. MPI is initialised with it, unless the application has done so (with MPI_THREAD_SERIALIZED or more; with less than
/// MPI_THREAD_MULTIPLE it must not call MPI while a group does), and finalised at process exit if it was initialised here and no rank was lost.
/// </remarks>
public sealed class MpiHostTransport : IHostTransport
{
    internal const string TransportName = "mpi";

    /// <summary>A greeting holds the counts of an all-to-all, two words a rank.</summary>
    private const int MaxRanks = 512;

    private static readonly string[] s_openMpi = ["libmpi.so.40", "libmpi.so.80"];
    private static readonly string[] s_mpich = ["libmpi.so.12", "libmpich.so.12"];

    public string Name => TransportName;

    /// <summary>
    /// Collective over the members; see <see cref="IHostTransport.CreateAsync"/>. Starting MPI waits for all ranks and can't be called off: the members vote before, so that all of them
    /// start or none does.
    /// </summary>
    public async Task<IHostCommunicator> CreateAsync(HostTransportContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        GroupMember[] members = [.. context.Members];
        await VoteAsync(context, "mpi library", () => LoadLibrary(members), cancellationToken).ConfigureAwait(false);
        await CompareLibrariesAsync(context, cancellationToken).ConfigureAwait(false);
        if (!MpiRuntime.IsReady)
        {
            await VoteAsync(context, "mpi start", () => BoundedAsync(MpiRuntime.Start, "MPI_Init_thread", context, cancellationToken), cancellationToken).ConfigureAwait(false);
            await VoteAsync(context, "mpi ranks", () => CheckRanks(members, context.RankInGroup), cancellationToken).ConfigureAwait(false);
            await BoundedAsync(MpiRuntime.Duplicate, "MPI_Comm_dup", context, cancellationToken).ConfigureAwait(false);
        }
        else
            MpiRuntime.SweepRetired();

        return new MpiHostCommunicator(context.Options.Name, context.Generation, members, context.RankInGroup, context.Options.Timeout, context.Options.HostChunkBytes);
    }

    private static Task LoadLibrary(GroupMember[] members)
    {
        if (members.GroupBy(member => (member.NodeId, member.ProcessId, member.ProcessStartTime)).FirstOrDefault(process => process.Count() > 1) is { } threads)
            throw new MpiException($"{GroupMember.NameRanks(threads.Select(member => member.Rank))} are threads of process {threads.Key.ProcessId}; MPI's ranks are processes");
        if (members.Length > MaxRanks)
            throw new MpiException($"{members.Length} ranks; up to {MaxRanks} are supported");

        // UCX and PSM2, which Open MPI may load, take SIGSEGV over otherwise; the runtime needs it (null references are found by it). Open MPI and UCX rewrite munmap and its like in the running process to watch over
        // memory: a thread of the runtime that calls one meanwhile ends the process ("Releasing the RW mapping failed", or SIGSEGV; 1 start in 30 with 4 ranks). Without it they keep no registrations of memory.
        foreach ((string name, string value) in new[] { ("UCX_ERROR_SIGNALS", ""), ("HFI_NO_BACKTRACE", "1"), ("OMPI_MCA_memory", "^patcher"), ("UCX_MEM_MMAP_HOOK_MODE", "none"), ("UCX_MEM_MALLOC_HOOKS", "n") })
        {
            if (PosixNative.GetEnvironment(name) is null)
                PosixNative.SetEnvironment(name, value);
        }

        string? path = Environment.GetEnvironmentVariable("COLLECTIVES_MPI_PATH");
        bool startedByMpich = Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_SIZE") is null && Environment.GetEnvironmentVariable("PMI_SIZE") is not null;
        MpiLibrary.Load(string.IsNullOrEmpty(path) ? null : path, startedByMpich ? [.. s_mpich, .. s_openMpi, "libmpi.so"] : [.. s_openMpi, .. s_mpich, "libmpi.so"]);
        return Task.CompletedTask;
    }

    /// <summary>A rank with another MPI would wait for the others for ever, and they for it.</summary>
    private static async Task CompareLibrariesAsync(HostTransportContext context, CancellationToken cancellationToken)
    {
        string Key(int member) => $"{context.KeyPrefix}/mpi/version/{member}";
        await context.Store.SetAsync(Key(context.RankInGroup), System.Text.Encoding.UTF8.GetBytes(MpiLibrary.Version), cancellationToken).ConfigureAwait(false);
        string[] versions = new string[context.Members.Count];
        for (int member = 0; member < versions.Length; member++)
            versions[member] = System.Text.Encoding.UTF8.GetString(await context.Store.GetAsync(Key(member), context.Options.Timeout, cancellationToken).ConfigureAwait(false));
        if (versions.Distinct(StringComparer.Ordinal).Count() > 1)
            throw new MpiException($"the ranks have different MPI libraries: {string.Join("; ", versions.Select((version, member) => (version, context.Members[member].Rank)).GroupBy(item => item.version, item => item.Rank).Select(ranks => $"{GroupMember.NameRanks(ranks)}: {ranks.Key}"))}");
    }

    private static Task CheckRanks(GroupMember[] members, int rankInGroup)
    {
        if (MpiRuntime.Size != members.Length)
        {
            string hint = MpiRuntime.Size == 1
                ? $"This process was not started by the mpirun that belongs to {MpiLibrary.Path} ({MpiLibrary.Version})"
                : "The first group of a process must be of all ranks of MPI_COMM_WORLD";
            throw new MpiException($"MPI_COMM_WORLD has {MpiRuntime.Size} {(MpiRuntime.Size == 1 ? "rank" : "ranks")}, the group {members.Length}. {hint}");
        }

        return members[rankInGroup].Rank == MpiRuntime.Rank
            ? Task.CompletedTask
            : throw new MpiException($"rank {members[rankInGroup].Rank} is rank {MpiRuntime.Rank} in MPI_COMM_WORLD; leave rank and size to mpirun's environment");
    }

    /// <summary>All members can, or all throw: who can't says why, the others name those who can't.</summary>
    private static async Task VoteAsync(HostTransportContext context, string capability, Func<Task> attempt, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            await attempt().ConfigureAwait(false);
        }
        catch (Exception e) when (e is MpiException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException or TimeoutException)
        {
            failure = e;
        }

        int[] ranks = [.. context.Members.Select(member => member.Rank)];
        GroupVote vote = await GroupVote.HoldAsync(context.Store, context.KeyPrefix, capability, ranks, context.RankInGroup, failure?.Message, context.Options.Timeout, cancellationToken).ConfigureAwait(false);
        if (failure is not null)
            throw failure;
        if (!vote.IsOn)
            throw new MpiException($"MPI was not started because of {GroupMember.NameRanks(vote.Objections.Keys.Order())}");
    }

    /// <summary>On a thread that is left behind when it does not return.</summary>
    private static async Task BoundedAsync(Action action, string call, HostTransportContext context, CancellationToken cancellationToken)
    {
        Task running = Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await running.WaitAsync(context.Options.Timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            MpiRuntime.MarkBroken();
            throw new TimeoutException($"{call} of {MpiLibrary.Path} did not return within {context.Options.Timeout.TotalSeconds:0.###} s: it waits for all ranks of the job");
        }
    }
}
