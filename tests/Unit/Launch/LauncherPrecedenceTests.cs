using Xunit;

namespace CollectivesSharp.Unit.Launch;

public sealed class LauncherPrecedenceTests
{
    [Theory]
    [InlineData(LauncherKind.Torchrun, 5, "slurm-srun-two-nodes-rank5", "torchrun-two-nodes-rank5")]
    [InlineData(LauncherKind.Torchrun, 5, "openmpi-4.1.4-rank1", "torchrun-two-nodes-rank5")]
    [InlineData(LauncherKind.Torchrun, 5, "mpich-4.0.2-rank1", "torchrun-two-nodes-rank5")]
    [InlineData(LauncherKind.OpenMpi, 1, "slurm-salloc-shell", "openmpi-4.1.4-rank1")]
    [InlineData(LauncherKind.OpenMpi, 1, "slurm-salloc-interactive-step", "openmpi-4.1.4-rank1")]
    [InlineData(LauncherKind.OpenMpi, 1, "slurm-srun-two-nodes-rank5", "openmpi-4.1.4-rank1")]
    [InlineData(LauncherKind.OpenMpi, 1, "mpich-4.0.2-rank0", "openmpi-4.1.4-rank1")]
    [InlineData(LauncherKind.Mpich, 1, "slurm-sbatch-shell", "mpich-4.0.2-rank1")]
    [InlineData(LauncherKind.Mpich, 1, "slurm-srun-two-nodes-rank5", "mpich-4.0.2-rank1")]
    public void The_first_launcher_of_the_order_wins(LauncherKind launcher, int rank, string outer, string inner)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Environment(outer, inner));

        Assert.Equal((launcher, rank), (environment.Launcher, environment.Rank));
    }

    [Theory]
    [InlineData("torchrun-two-nodes-rank5")]
    [InlineData("openmpi-4.1.4-rank1")]
    [InlineData("mpich-4.0.2-rank1")]
    [InlineData("slurm-srun-two-nodes-rank5")]
    public void Own_variables_win_over_every_launcher(string name)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Environment(name)
            .With("COLLECTIVES_RANK=2 COLLECTIVES_WORLD_SIZE=3 COLLECTIVES_LOCAL_RANK=0 COLLECTIVES_LOCAL_SIZE=1 COLLECTIVES_JOB_ID=mine"));

        Assert.Equal(
            new()
            {
                Launcher = LauncherKind.Collectives,
                Rank = 2,
                WorldSize = 3,
                LocalRank = 0,
                LocalSize = 1,
                JobId = "mine",
            },
            environment);
    }

    [Theory]
    [InlineData("COLLECTIVES_RANK= COLLECTIVES_WORLD_SIZE=", LauncherKind.Torchrun)]
    [InlineData("RANK= WORLD_SIZE=", LauncherKind.OpenMpi)]
    [InlineData("RANK= WORLD_SIZE= OMPI_COMM_WORLD_RANK= OMPI_COMM_WORLD_SIZE= OMPI_COMM_WORLD_LOCAL_RANK= OMPI_COMM_WORLD_LOCAL_SIZE=", LauncherKind.Mpich)]
    public void An_empty_variable_counts_as_unset(string emptied, LauncherKind next)
    {
        Dictionary<string, string> variables =
            Recorded.Environment("mpich-4.0.2-rank1", "openmpi-4.1.4-rank1", "torchrun-two-nodes-rank5").With(emptied);

        Assert.Equal(next, LaunchEnvironment.Detect(variables).Launcher);
    }

    [Theory]
    [InlineData("PMI_RANK=5 PMI_SIZE=7 PMI_FD=9 PMI_JOBID=81234.2")]
    [InlineData("PMI_RANK=5 PMI_SIZE=7 PMI_LOCAL_RANK=1 PMI_LOCAL_SIZE=3 PALS_APID=81234.2")]
    public void The_PMI_variables_of_srun_leave_the_launcher_SLURM(string pmi)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Environment("slurm-srun-two-nodes-rank5").With(pmi));

        Assert.Equal(
            (LauncherKind.Slurm, 3, "node07"), (environment.Launcher, environment.LocalSize, environment.MasterAddress));
    }

    [Theory]
    [InlineData("PMI_RANK=4 PMI_SIZE=7")]
    [InlineData("PMI_RANK=5 PMI_SIZE=8")]
    [InlineData("PMI_RANK=5 PMI_SIZE=7 SLURM_STEP_ID")]
    [InlineData("PMI_RANK=5 PMI_SIZE=7 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=3")]
    public void PMI_variables_that_are_not_those_of_the_step_belong_to_MPICH(string pmi) =>
        Assert.Equal(
            LauncherKind.Mpich, LaunchEnvironment.Detect(Recorded.Environment("slurm-srun-two-nodes-rank5").With(pmi)).Launcher);

    [Theory]
    [InlineData("LOCAL_RANK=3")]
    [InlineData("MASTER_ADDR=node1")]
    [InlineData("MASTER_PORT=29400")]
    [InlineData("PMIX_RANK=3")]
    [InlineData("SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_LOCALID=3")]
    [InlineData("SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_JOB_ID=1 SLURM_STEP_ID=batch")]
    [InlineData("SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_JOB_ID=1 SLURM_STEP_ID=4294967280")]
    [InlineData("SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_JOB_ID=1 SLURM_STEP_ID=-1")]
    public void What_other_programs_set_too_is_no_launcher(string variables) =>
        Assert.Equal(LauncherKind.None, LaunchEnvironment.Detect(Recorded.Parse(variables)).Launcher);

    [Fact]
    public void The_last_step_below_the_reserved_ones_counts() =>
        Assert.Equal(
            "1.4294967279",
            LaunchEnvironment.Detect(Recorded.Parse("SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_JOB_ID=1 SLURM_STEP_ID=4294967279")).JobId);
}
