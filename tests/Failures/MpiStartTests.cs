using System.Diagnostics;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>The ways in which a group over MPI is not made. COLLECTIVES_TEST_MPIRUN (test.sh sets it) is Open MPI's.</summary>
[Collection(Alone.Name)]
public sealed class MpiStartTests
{
    private const string Transport = "COLLECTIVES_HOST_TRANSPORT";
    private const string Library = "COLLECTIVES_MPI_PATH";
    private static readonly string? s_mpirun = Environment.GetEnvironmentVariable("COLLECTIVES_TEST_MPIRUN");

    [Fact]
    public async Task A_library_that_is_not_there_is_named_with_the_loaders_reason()
    {
        foreach (Outcome outcome in await CreateAsync(new() { [Transport] = "mpi", [Library] = "/nowhere/libmpi.so.40" }))
        {
            Assert.Equal(nameof(GroupCreationException), outcome.Exception);
            Assert.Contains("ranks 0, 1: No MPI library. Tried /nowhere/libmpi.so.40 (", outcome.Message, StringComparison.Ordinal);
            Assert.Contains("No such file", outcome.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_library_that_is_no_MPI_is_refused()
    {
        foreach (Outcome outcome in await CreateAsync(new() { [Transport] = "mpi", [Library] = "libc.so.6" }))
        {
            Assert.Equal(nameof(GroupCreationException), outcome.Exception);
            Assert.Contains("libc.so.6 (it has no MPI_Init_thread", outcome.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_that_is_no_library_is_refused()
    {
        foreach (Outcome outcome in await CreateAsync(new() { [Transport] = "mpi", [Library] = "/etc/passwd" }))
        {
            Assert.Equal(nameof(GroupCreationException), outcome.Exception);
            Assert.Contains("/etc/passwd (", outcome.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ranks_with_different_transports_are_told_who_has_which()
    {
        foreach (Outcome outcome in await CreateAsync(new() { [Transport] = "mpi" }, "builtin"))
        {
            Assert.Equal(nameof(GroupMismatchException), outcome.Exception);
            Assert.Contains("host transport: ", outcome.Message, StringComparison.Ordinal);
            Assert.Contains("rank 0 has mpi", outcome.Message, StringComparison.Ordinal);
            Assert.Contains("rank 1 has builtin", outcome.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_transport_that_does_not_exist_is_an_error_that_lists_those_that_do()
    {
        foreach (Outcome outcome in await CreateAsync(new() { [Transport] = "carrier-pigeon" }))
        {
            Assert.Equal(nameof(LaunchException), outcome.Exception);
            Assert.Contains("carrier-pigeon", outcome.Message, StringComparison.Ordinal);
            Assert.Contains("builtin and mpi", outcome.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Ranks_that_are_threads_are_no_ranks_of_MPI()
    {
        GroupCreationException refused = Assert.Throws<GroupCreationException>(() => ThreadRanks.Run(2, group => group.Barrier(), new GroupOptions { HostTransport = new MpiHostTransport() }));
        Assert.Contains("threads of process", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranks_that_mpirun_did_not_start_are_told_so()
    {
        Assert.SkipWhen(s_mpirun is null, "COLLECTIVES_TEST_MPIRUN is not set.");
        foreach (Outcome outcome in await CreateAsync(MpiEnvironment()))
        {
            Assert.Equal(nameof(GroupCreationException), outcome.Exception);
            Assert.Contains("MPI_COMM_WORLD has 1 rank, the group 2. This process was not started by the mpirun", outcome.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task One_rank_without_the_library_stops_all_before_any_waits_in_MPI()
    {
        Assert.SkipWhen(s_mpirun is null, "COLLECTIVES_TEST_MPIRUN is not set.");
        foreach (Outcome outcome in await CreateAsync(MpiEnvironment(), "-", "/nowhere/libmpi.so.40"))
        {
            Assert.Equal(nameof(GroupCreationException), outcome.Exception);
            Assert.Contains("rank 0: MPI was not started because of rank 1; rank 1: No MPI library. Tried /nowhere/libmpi.so.40", outcome.Message, StringComparison.Ordinal);
        }
    }

    private static async Task<Outcome[]> CreateAsync(Dictionary<string, string> environment, string transport = "-", string library = "-")
    {
        await using RankProcesses job = RankProcesses.Start(2, environment, ["create", transport, library]);
        List<Outcome> outcomes = [];
        foreach (Process rank in job.Ranks)
            outcomes.Add(await RankProcesses.ReadOutcomeAsync(rank));
        return [.. outcomes];
    }

    /// <summary>What an unpacked Open MPI needs beside its mpirun; an installed one needs nothing.</summary>
    private static Dictionary<string, string> MpiEnvironment()
    {
        string prefix = Path.Combine(Path.GetDirectoryName(s_mpirun)!, "usr");
        Dictionary<string, string> environment = new() { [Transport] = "mpi", ["OMPI_MCA_mca_base_component_show_load_errors"] = "0", ["OMPI_MCA_pml"] = "ob1", ["PMIX_MCA_pcompress_base_silence_warning"] = "1" };
        if (!Directory.Exists(prefix))
            return environment;
        environment["OPAL_PREFIX"] = prefix;
        environment["PATH"] = $"{prefix}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        environment["LD_LIBRARY_PATH"] = string.Join(':', Directory.GetDirectories(Path.Combine(prefix, "lib"), "*-linux-gnu").Concat(Directory.GetDirectories(Path.Combine(prefix, "../lib"), "*-linux-gnu")));
        return environment;
    }
}
