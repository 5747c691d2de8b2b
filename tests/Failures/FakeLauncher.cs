using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CollectivesSharp.Failures;

/// <summary>
/// The variables that srun and torchrun set for each rank, after their documentation (tests/Unit/Launch/environments): what a rank reads cannot tell this from the
/// real one. <paramref name="TasksPerNode"/>: how many ranks each node has.
/// </summary>
internal sealed record FakeLauncher(params int[] TasksPerNode)
{
    private int WorldSize => TasksPerNode.Sum();

    /// <summary>Lets one machine play the nodes: ranks of different ones share no memory.</summary>
    internal bool PlaysNodes { get; init; }

    /// <summary>Added to every rank's.</summary>
    internal Dictionary<string, string> Also { get; init; } = [];

    /// <summary>Nodes other than the first one need no real name: nobody connects to them.</summary>
    internal IEnumerable<Dictionary<string, string>> Srun(uint job, uint step) => Ranks((rank, localRank, node) => new()
    {
        ["SLURM_JOB_ID"] = Text(job),
        ["SLURM_JOBID"] = Text(job),
        ["SLURM_JOB_NODELIST"] = "localhost,node[08-09]",
        ["SLURM_JOB_NUM_NODES"] = "3",
        ["SLURM_STEP_ID"] = Text(step),
        ["SLURM_STEPID"] = Text(step),
        ["SLURM_STEP_NODELIST"] = TasksPerNode.Length == 1 ? "localhost" : "localhost,node08",
        ["SLURM_STEP_NUM_NODES"] = Text(TasksPerNode.Length),
        ["SLURM_STEP_NUM_TASKS"] = Text(WorldSize),
        ["SLURM_STEP_TASKS_PER_NODE"] = string.Join(',', TasksPerNode),
        ["SLURM_TASKS_PER_NODE"] = string.Join(',', TasksPerNode),
        ["SLURM_NNODES"] = Text(TasksPerNode.Length),
        ["SLURM_NTASKS"] = Text(WorldSize),
        ["SLURM_NPROCS"] = Text(WorldSize),
        ["SLURM_PROCID"] = Text(rank),
        ["SLURM_LOCALID"] = Text(localRank),
        ["SLURM_NODEID"] = Text(node),
        ["SLURMD_NODENAME"] = node == 0 ? "localhost" : "node08",
        ["SLURM_LAUNCH_NODE_IPADDR"] = "192.0.2.20",
        ["SLURM_GTIDS"] = "0",
    });

    internal IEnumerable<Dictionary<string, string>> Torchrun(string run, int masterPort, int restart = 0) => Ranks((rank, localRank, node) => new()
    {
        ["TORCHELASTIC_RUN_ID"] = run,
        ["TORCHELASTIC_RESTART_COUNT"] = Text(restart),
        ["TORCHELASTIC_MAX_RESTARTS"] = "3",
        ["TORCHELASTIC_USE_AGENT_STORE"] = "True",
        ["MASTER_ADDR"] = "127.0.0.1",
        ["MASTER_PORT"] = Text(masterPort),
        ["RANK"] = Text(rank),
        ["WORLD_SIZE"] = Text(WorldSize),
        ["LOCAL_RANK"] = Text(localRank),
        ["LOCAL_WORLD_SIZE"] = Text(TasksPerNode[node]),
        ["GROUP_RANK"] = Text(node),
        ["GROUP_WORLD_SIZE"] = Text(TasksPerNode.Length),
        ["ROLE_NAME"] = "default",
        ["ROLE_RANK"] = Text(rank),
        ["ROLE_WORLD_SIZE"] = Text(WorldSize),
    });

    /// <summary>torchrun's agent: it listens on the master port for as long as the job runs. The port behind it is free, below those that the system gives to connections.</summary>
    internal static TcpListener StartAgent()
    {
        while (true)
        {
            int port = Random.Shared.Next(10_000, 30_000);
            try
            {
                using (TcpListener next = new(IPAddress.IPv6Any, port + 1))
                    next.Start();
                TcpListener agent = new(IPAddress.Loopback, port);
                agent.Start();
                return agent;
            }
            catch (SocketException)
            {
                // Taken; another one.
            }
        }
    }

    internal static int PortOf(TcpListener agent) => ((IPEndPoint)agent.LocalEndpoint).Port;

    private IEnumerable<Dictionary<string, string>> Ranks(Func<int, int, int, Dictionary<string, string>> variables)
    {
        int rank = 0;
        for (int node = 0; node < TasksPerNode.Length; node++)
        {
            for (int localRank = 0; localRank < TasksPerNode[node]; localRank++)
            {
                Dictionary<string, string> own = variables(rank++, localRank, node);
                foreach ((string name, string value) in Also)
                    own[name] = value;
                if (PlaysNodes)
                    own["COLLECTIVES_HOST_ID"] = $"node {node}";
                yield return own;
            }
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
