using Xunit;

namespace CollectivesSharp.Unit.Launch;

/// <summary>A case runs for every launcher: {0} is its name for the rank, {1} the world size, {2} the local rank, {3} the local size.</summary>
public sealed class LaunchContradictionTests
{
    private static readonly string[][] _launchers =
    [
        ["COLLECTIVES_RANK", "COLLECTIVES_WORLD_SIZE", "COLLECTIVES_LOCAL_RANK", "COLLECTIVES_LOCAL_SIZE"],
        ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"],
        ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"],
        ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"],
    ];

    public static TheoryData<string, string> Cases
    {
        get
        {
            (string Variables, string Message)[] cases =
            [
                ("{0}=3", "{0}=3 is set, {1} is not set."),
                ("{1}=4", "{1}=4 is set, {0} is not set."),
                ("{0}=3 {2}=1", "{0}=3 is set, {1} is not set."),
                ("{0}=3 {1}=4 {3}=2", "{3}=2 is set, {2}"),
                ("{0}=4 {1}=4", "{0}=4 is not below {1}=4."),
                ("{0}=0 {1}=0", "{0}=0 is not below {1}=0."),
                ("{0}=3 {1}=4 {2}=2 {3}=2", "{2}=2 is not below {3}=2."),
                ("{0}=3 {1}=4 {2}=2 {3}=5", "{3}=5 is above {1}=4."),
                ("{0}=1 {1}=4 {2}=2 {3}=4", "{2}=2 is above {0}=1."),
                ("{0}=1 {1}=4 {2}=2", "{2}=2 is above {0}=1."),
                ("{0}=-1 {1}=4", "{0}=-1 is not a number from 0 to 2147483647."),
                ("{0}=1 {1}=-4", "{1}=-4 is not a number"),
                ("{0}=one {1}=4", "{0}=one is not a number"),
                ("{0}=1 {1}=2147483648", "{1}=2147483648 is not a number"),
                ("{0}=1 {1}=4 {2}=0x1 {3}=2", "{2}=0x1 is not a number"),
                ("{0}=1 {1}=4 {2}=1 {3}=2.0", "{3}=2.0 is not a number"),
            ];
            var data = new TheoryData<string, string>();
            foreach (string[] names in _launchers)
            {
                foreach ((string variables, string message) in cases)
                    data.Add(Name(variables, names), Name(message, names));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    [InlineData("COLLECTIVES_LOCAL_RANK=0", "COLLECTIVES_LOCAL_RANK=0 is set, COLLECTIVES_RANK and COLLECTIVES_WORLD_SIZE are not set.")]
    [InlineData("OMPI_COMM_WORLD_LOCAL_SIZE=2", "OMPI_COMM_WORLD_LOCAL_SIZE=2 is set, OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE are not set.")]
    [InlineData("PMI_LOCAL_RANK=0", "PMI_LOCAL_RANK=0 is set, PMI_RANK and PMI_SIZE are not set.")]
    [InlineData("PMI_RANK=1 PMI_SIZE=4 PMI_LOCAL_SIZE=2", "PMI_LOCAL_SIZE=2 is set, MPI_LOCALRANKID or PMI_LOCAL_RANK is not set.")]
    [InlineData("PMI_RANK=3 PMI_SIZE=4 PMI_LOCAL_RANK=2 PMI_LOCAL_SIZE=2", "PMI_LOCAL_RANK=2 is not below PMI_LOCAL_SIZE=2.")]
    public void Half_a_set_and_contradictions_are_refused_by_name(string variables, string message)
    {
        LaunchException refused = Assert.Throws<LaunchException>(() => LaunchEnvironment.Detect(Recorded.Parse(variables)));

        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        Assert.Contains("unset", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SLURM_NTASKS", "SLURM_PROCID=5 is set, SLURM_NTASKS is not set.")]
    [InlineData("SLURM_PROCID", "SLURM_NTASKS=7 is set, SLURM_PROCID is not set.")]
    [InlineData("SLURM_PROCID SLURM_NTASKS", "SLURM_LOCALID=1 is set, SLURM_PROCID and SLURM_NTASKS are not set.")]
    [InlineData("SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE=4,3 at SLURM_NODEID=1 is set, SLURM_LOCALID is not set.")]
    [InlineData("SLURM_JOB_ID", "SLURM_STEP_ID=2 is set, SLURM_JOB_ID is not set.")]
    [InlineData("SLURM_JOB_ID=x", "SLURM_JOB_ID=x is not a number from 0 to 4294967295.")]
    [InlineData("SLURM_PROCID=7", "SLURM_PROCID=7 is not below SLURM_NTASKS=7.")]
    [InlineData("SLURM_LOCALID=3", "SLURM_LOCALID=3 is not below SLURM_STEP_TASKS_PER_NODE=4,3 at SLURM_NODEID=1.")]
    [InlineData("SLURM_NTASKS=2 SLURM_PROCID=1", "SLURM_STEP_TASKS_PER_NODE=4,3 at SLURM_NODEID=1 is above SLURM_NTASKS=2.")]
    [InlineData("SLURM_PROCID=0", "SLURM_LOCALID=1 is above SLURM_PROCID=0.")]
    [InlineData("SLURM_NODEID=2", "SLURM_STEP_TASKS_PER_NODE=4,3 has no node 2, but SLURM_NODEID=2.")]
    [InlineData("SLURM_NODEID=first", "SLURM_NODEID=first is not a number")]
    [InlineData("SLURM_STEP_TASKS_PER_NODE=4(2)", "SLURM_STEP_TASKS_PER_NODE=4(2) is malformed: \"4(2)\" is neither")]
    [InlineData("SLURM_STEP_NODELIST=node[07-08", "SLURM_STEP_NODELIST=node[07-08 is malformed: a bracket never closes.")]
    public void A_step_of_SLURM_that_contradicts_itself_is_refused_by_name(string changes, string message)
    {
        Dictionary<string, string> variables = Recorded.Environment("slurm-srun-two-nodes-rank5").With(changes);

        LaunchException refused = Assert.Throws<LaunchException>(() => LaunchEnvironment.Detect(variables));

        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        Assert.Contains("unset", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rank_of_PMIx_that_differs_from_that_of_Open_MPI_is_refused()
    {
        Dictionary<string, string> variables = Recorded.Environment("openmpi-4.1.4-rank1").With("PMIX_RANK=0");

        LaunchException refused = Assert.Throws<LaunchException>(() => LaunchEnvironment.Detect(variables));

        Assert.StartsWith("PMIX_RANK=0 contradicts OMPI_COMM_WORLD_RANK=1.", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RANK=3 WORLD_SIZE=4", null)]
    [InlineData("RANK=3 WORLD_SIZE=4 LOCAL_RANK=1", 1)]
    [InlineData("COLLECTIVES_RANK=3 COLLECTIVES_WORLD_SIZE=4", null)]
    [InlineData("COLLECTIVES_RANK=3 COLLECTIVES_WORLD_SIZE=4 COLLECTIVES_LOCAL_RANK=3", 3)]
    public void Variables_set_by_hand_may_leave_the_local_rank_or_the_local_size_open(string variables, int? localRank)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect(Recorded.Parse(variables));

        Assert.Equal((3, 4, localRank, null), (environment.Rank, environment.WorldSize, environment.LocalRank, environment.LocalSize));
        Assert.False(environment.IsSingleNode);
    }

    private static string Name(string template, string[] names)
    {
        for (int i = 0; i < names.Length; i++)
            template = template.Replace($"{{{i}}}", names[i], StringComparison.Ordinal);
        return template;
    }
}
