using Xunit;

namespace CollectivesSharp.Unit.Launch;

public sealed class RecordedEnvironmentTests
{
    private static readonly HydraProxy _proxy = new(4621, 836039, "node1:44869");

    private static readonly LaunchEnvironment _alone = new()
    {
        Launcher = LauncherKind.None,
        Rank = 0,
        WorldSize = 1,
        LocalRank = 0,
        LocalSize = 1,
    };

    [Fact]
    public void Without_a_launcher_this_is_rank_0_of_1_on_a_single_node()
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Parse("PATH=/bin"));

        Assert.Equal(_alone, environment);
        Assert.True(environment.IsSingleNode);
    }

    [Fact]
    public void Torchrun_tells_ranks_job_and_a_port_that_its_agent_holds() =>
        AssertDetected("torchrun-two-nodes-rank5", isSingleNode: false, new()
        {
            Launcher = LauncherKind.Torchrun,
            Rank = 5,
            WorldSize = 8,
            LocalRank = 1,
            LocalSize = 4,
            JobId = "run7/node1/29400/1",
            MasterAddress = "node1",
            MasterPort = 29400,
            MasterPortTaken = true,
        });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Open_MPI_tells_ranks_and_namespace(int rank) =>
        AssertDetected($"openmpi-4.1.4-rank{rank}", isSingleNode: true, new()
        {
            Launcher = LauncherKind.OpenMpi,
            Rank = rank,
            WorldSize = 2,
            LocalRank = rank,
            LocalSize = 2,
            JobId = "2100625409",
        });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Hydra_tells_ranks_and_its_proxy_the_job(int rank) =>
        AssertDetected($"mpich-4.0.2-rank{rank}", isSingleNode: true, new()
        {
            Launcher = LauncherKind.Mpich,
            Rank = rank,
            WorldSize = 2,
            LocalRank = rank,
            LocalSize = 2,
            JobId = "hydra-4621-836039",
        });

    [Fact]
    public void Hydra_on_two_hosts_names_the_job_by_what_both_proxies_share() =>
        AssertDetected("mpich-4.0.2-two-hosts-rank3", isSingleNode: false, new()
        {
            Launcher = LauncherKind.Mpich,
            Rank = 3,
            WorldSize = 4,
            LocalRank = 1,
            LocalSize = 2,
            JobId = "hydra-node1:44869",
        });

    [Fact]
    public void Hydra_with_a_pmi_port_hides_rank_and_size_and_is_refused()
    {
        LaunchException refused = Assert.Throws<LaunchException>(
            () => LaunchEnvironment.Detect(Recorded.Environment("mpich-4.0.2-pmi-port")));

        Assert.StartsWith("MPI_LOCALRANKID=0 is set, PMI_RANK and PMI_SIZE are not set.", refused.Message, StringComparison.Ordinal);
        Assert.Contains("without -pmi-port", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cray_PALS_tells_ranks_and_application_id() =>
        AssertDetected("cray-pals-two-nodes-rank13", isSingleNode: false, new()
        {
            Launcher = LauncherKind.Mpich,
            Rank = 13,
            WorldSize = 24,
            LocalRank = 1,
            LocalSize = 12,
            JobId = "5d2f1c1e-8a44-4c5b-9a53-6f0d3f7f2c10",
        });

    [Fact]
    public void Srun_tells_ranks_and_step_and_the_first_node_of_the_step_is_the_master() =>
        AssertDetected("slurm-srun-two-nodes-rank5", isSingleNode: false, new()
        {
            Launcher = LauncherKind.Slurm,
            Rank = 5,
            WorldSize = 7,
            LocalRank = 1,
            LocalSize = 3,
            JobId = "81234.2",
            MasterAddress = "node07",
            MasterPort = 28256,
        });

    [Theory]
    [InlineData("slurm-sbatch-shell")]
    [InlineData("slurm-salloc-shell")]
    [InlineData("slurm-salloc-interactive-step")]
    public void A_shell_of_SLURM_that_srun_did_not_start_is_no_launcher(string name) =>
        AssertDetected(name, isSingleNode: true, _alone);

    [Theory]
    [InlineData("openmpi-4.1.4-rank1", "2100625409")]
    [InlineData("mpich-4.0.2-rank1", "hydra-4621-836039")]
    public void Variables_alone_are_read_when_they_are_given(string name, string jobIdOfProcess)
    {
        string? expected = jobIdOfProcess.StartsWith("hydra", StringComparison.Ordinal) ? null : jobIdOfProcess;

        Assert.Equal(expected, LaunchEnvironment.Detect(Recorded.Environment(name)).JobId);
        Assert.Equal(jobIdOfProcess, LaunchEnvironment.Detect(Recorded.Environment(name), () => _proxy).JobId);
    }

    private static void AssertDetected(string name, bool isSingleNode, LaunchEnvironment expected)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Environment(name), () => _proxy);

        Assert.Equal(expected, environment);
        Assert.Equal(isSingleNode, environment.IsSingleNode);
    }
}
