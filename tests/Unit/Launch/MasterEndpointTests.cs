using Xunit;

namespace CollectivesSharp.Unit.Launch;

public sealed class MasterEndpointTests
{
    [Theory]
    [InlineData("torchrun-two-nodes-rank5")]
    [InlineData("openmpi-4.1.4-rank1")]
    [InlineData("mpich-4.0.2-rank1")]
    [InlineData("slurm-srun-two-nodes-rank5")]
    public void Own_address_port_and_job_apply_to_every_launcher(string name)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Environment(name).With(
            "COLLECTIVES_MASTER_ADDR=head COLLECTIVES_MASTER_PORT=4000 COLLECTIVES_JOB_ID=mine MASTER_ADDR=other MASTER_PORT=4001"));

        Assert.Equal(("head", 4000, "mine", false), Describe(environment));
    }

    [Theory]
    [InlineData("openmpi-4.1.4-rank1", "MASTER_ADDR=head MASTER_PORT=4001", "head", 4001)]
    [InlineData("openmpi-4.1.4-rank1", "MASTER_ADDR=head", "head", 29501)]
    [InlineData("openmpi-4.1.4-rank1", "MASTER_PORT=4001", null, null)]
    [InlineData("mpich-4.0.2-two-hosts-rank3", "MASTER_ADDR=head MASTER_PORT=65535", "head", 65535)]
    [InlineData("mpich-4.0.2-two-hosts-rank3", "MASTER_ADDR=head", "head", 29501)]
    [InlineData("mpich-4.0.2-two-hosts-rank3", "", null, null)]
    [InlineData("slurm-srun-two-nodes-rank5", "MASTER_ADDR=head MASTER_PORT=4001", "head", 4001)]
    [InlineData("slurm-srun-two-nodes-rank5", "MASTER_ADDR=head", "head", 28256)]
    [InlineData("slurm-srun-two-nodes-rank5", "MASTER_PORT=4001", "node07", 4001)]
    [InlineData("slurm-srun-two-nodes-rank5", "SLURM_STEP_NODELIST", "node06", 28256)]
    [InlineData("slurm-srun-two-nodes-rank5", "SLURM_STEP_NODELIST SLURM_JOB_NODELIST", null, null)]
    [InlineData("slurm-srun-two-nodes-rank5", "SLURM_NTASKS=3 SLURM_PROCID=1 SLURM_STEP_TASKS_PER_NODE=3 SLURM_NODEID=0", null, null)]
    [InlineData("slurm-srun-two-nodes-rank5", "SLURM_STEP_TASKS_PER_NODE SLURM_TASKS_PER_NODE", "node07", 28256)]
    [InlineData("torchrun-two-nodes-rank5", "MASTER_ADDR MASTER_PORT", null, null)]
    public void The_usual_pair_applies_where_the_launcher_has_none_of_its_own(string name, string changes, string? address, int? port)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Environment(name).With(changes));

        Assert.Equal((address, port), (environment.MasterAddress, environment.MasterPort));
        Assert.False(environment.MasterPortTaken);
    }

    [Theory]
    [InlineData("TORCHELASTIC_USE_AGENT_STORE=True", true)]
    [InlineData("TORCHELASTIC_USE_AGENT_STORE=False", false)]
    [InlineData("TORCHELASTIC_USE_AGENT_STORE", false)]
    public void The_port_of_torchrun_is_taken_only_if_its_agent_holds_the_store(string agentStore, bool taken) =>
        Assert.Equal(
            taken, LaunchEnvironment.Detect(Recorded.Environment("torchrun-two-nodes-rank5").With(agentStore)).MasterPortTaken);

    [Theory]
    [InlineData("TORCHELASTIC_RUN_ID=run8", "run8/node1/29400/1")]
    [InlineData("TORCHELASTIC_RESTART_COUNT=2", "run7/node1/29400/2")]
    [InlineData("MASTER_PORT=29401", "run7/node1/29401/1")]
    [InlineData("TORCHELASTIC_RUN_ID TORCHELASTIC_RESTART_COUNT", "node1/29400")]
    [InlineData("TORCHELASTIC_RUN_ID TORCHELASTIC_RESTART_COUNT MASTER_ADDR MASTER_PORT", null)]
    public void Each_restart_of_torchrun_is_a_job_of_its_own(string changes, string? jobId) =>
        Assert.Equal(jobId, LaunchEnvironment.Detect(Recorded.Environment("torchrun-two-nodes-rank5").With(changes)).JobId);

    [Theory]
    [InlineData("", "2100625409")]
    [InlineData("PMIX_NAMESPACE OMPI_MCA_ess_base_jobid=7", "7")]
    [InlineData("PMIX_NAMESPACE OMPI_MCA_ess_base_jobid OMPI_MCA_orte_hnp_uri=5.0;tcp://h:1", "5.0;tcp://h:1")]
    [InlineData("PMIX_NAMESPACE OMPI_MCA_ess_base_jobid OMPI_MCA_orte_hnp_uri", null)]
    public void The_job_of_Open_MPI_has_older_names_too(string changes, string? jobId) =>
        Assert.Equal(jobId, LaunchEnvironment.Detect(Recorded.Environment("openmpi-4.1.4-rank0").With(changes)).JobId);

    [Fact]
    public void Ports_of_SLURM_stay_in_their_range_and_differ_between_neighbouring_steps_and_jobs()
    {
        var ports = new HashSet<int>();
        for (uint job = 4294967195; job < 4294967295; job++)
        {
            for (uint step = 0; step < 31; step++)
            {
                int port = new SlurmStep(job, step).MasterPort;
                Assert.InRange(port, 20000, 29999);
                Assert.True(ports.Add(port), $"job {job} step {step} shares port {port}");
            }
        }
    }

    [Theory]
    [InlineData("", "COLLECTIVES_MASTER_ADDR=head", "COLLECTIVES_MASTER_ADDR=head is set, COLLECTIVES_MASTER_PORT is not set.")]
    [InlineData("", "COLLECTIVES_MASTER_PORT=4000", "COLLECTIVES_MASTER_PORT=4000 is set, COLLECTIVES_MASTER_ADDR is not set.")]
    [InlineData("openmpi-4.1.4-rank1", "COLLECTIVES_MASTER_ADDR=head", "COLLECTIVES_MASTER_ADDR=head is set, COLLECTIVES_MASTER_PORT is not set.")]
    [InlineData("torchrun-two-nodes-rank5", "MASTER_PORT", "MASTER_ADDR=node1 is set, MASTER_PORT is not set.")]
    [InlineData("torchrun-two-nodes-rank5", "MASTER_ADDR", "MASTER_PORT=29400 is set, MASTER_ADDR is not set.")]
    [InlineData("torchrun-two-nodes-rank5", "MASTER_PORT=0", "MASTER_PORT=0 is not a port from 1 to 65535.")]
    [InlineData("torchrun-two-nodes-rank5", "MASTER_PORT=65536", "MASTER_PORT=65536 is not a port from 1 to 65535.")]
    [InlineData("openmpi-4.1.4-rank1", "MASTER_ADDR=head MASTER_PORT=http", "MASTER_PORT=http is not a port")]
    [InlineData("slurm-srun-two-nodes-rank5", "MASTER_PORT=-1", "MASTER_PORT=-1 is not a port")]
    [InlineData("", "COLLECTIVES_MASTER_ADDR=head COLLECTIVES_MASTER_PORT=99999", "COLLECTIVES_MASTER_PORT=99999 is not a port")]
    public void Half_a_pair_and_impossible_ports_are_refused_by_name(string name, string changes, string message)
    {
        Dictionary<string, string> variables = (name.Length == 0 ? [] : Recorded.Environment(name)).With(changes);

        LaunchException refused = Assert.Throws<LaunchException>(() => LaunchEnvironment.Detect(variables));

        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    private static (string?, int?, string?, bool) Describe(LaunchEnvironment environment) =>
        (environment.MasterAddress, environment.MasterPort, environment.JobId, environment.MasterPortTaken);
}
