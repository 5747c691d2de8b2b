using CollectivesSharp.Conformance.Device;
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(CollectivesSharp.Conformance.World))]

namespace CollectivesSharp.Conformance;

/// <summary>The ranks that the cases run on.</summary>
public sealed class World : IDisposable
{
    private static GroupCoordinator? s_group;
    private static GroupOptions? s_groupOptions;

    /// <summary>
    /// Small chunks, so that modest counts take every path; short deadlines, so that a rank that failed does not hold up the others for long; no GPU, whose turn comes on <see cref="DeviceWorld"/>.
    /// </summary>
    private static readonly GroupOptions s_options = new() { HostChunkBytes = 32 << 10, Timeout = TimeSpan.FromSeconds(30), Device = DeviceChoice.None };

    /// <summary>How many nodes the ranks play: 1; COLLECTIVES_TEST_NODES. Ranks of a node follow each other, or with "2,interleaved" take turns.</summary>
    private static readonly string[] s_nodes = (Environment.GetEnvironmentVariable("COLLECTIVES_TEST_NODES") ?? "1").Split(',');

    internal static int Nodes { get; } = int.Parse(s_nodes[0], System.Globalization.CultureInfo.InvariantCulture);

    internal static LaunchEnvironment Launch { get; } = LaunchEnvironment.Detect();

    internal static bool IsLaunched => Launch.Launcher != LauncherKind.None;

    /// <summary>Printed with every failure; COLLECTIVES_TEST_SEED repeats a run.</summary>
    internal static int Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_SEED"), out int seed) ? seed : 20261123;

    public static TheoryData<int> Sizes => IsLaunched ? [Launch.WorldSize] : Nodes > 1 ? [2, 3, 4, 7] : [1, 2, 3, 4, 5, 7, 8];

    /// <summary>Beyond what cores can run at once: every wait sleeps, and a part of a chunk is short. For few cases.</summary>
    public static TheoryData<int> LargeSizes => IsLaunched ? [Launch.WorldSize] : [64];

    /// <summary>Runs <paramref name="body"/> on every rank: on threads, or on this rank of the launched job.</summary>
    internal static void Run(int size, Action<GroupCoordinator> body)
    {
        if (!IsLaunched)
        {
            ThreadRanks.Run(size, body, rank => Options(rank, size));
            return;
        }

        RunLaunched(Options(Launch.Rank, Launch.WorldSize), body);
    }

    /// <summary>On this rank of the launched job, which has one group at a time: one with other options takes the place of the last.</summary>
    internal static void RunLaunched(GroupOptions options, Action<GroupCoordinator> body)
    {
        if (s_group is not null && s_groupOptions != options)
            Leave();
        s_groupOptions = options;
        s_group ??= GroupCoordinator.CreateAsync(options).GetAwaiter().GetResult();
        try
        {
            body(s_group);
        }
        catch (Exception e) when (e is not CollectiveException && !e.Message.StartsWith("$XunitDynamicSkip$", StringComparison.Ordinal))
        {
            // A skip's reason is known to all ranks: they skip alike.
            s_group.Abort($"{e.GetType().Name}: {e.Message}");
            throw;
        }
    }

    /// <summary>Which node a rank plays.</summary>
    internal static string NodeOf(int rank, int size, int nodes) => $"node{(s_nodes.Contains("interleaved") ? rank % nodes : rank * nodes / size)}";

    private static GroupOptions Options(int rank, int size) => Nodes == 1 ? s_options : s_options with { HostId = NodeOf(rank, size, Nodes) };

    private static void Leave()
    {
        DeviceWorld.Leave();
        s_group?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        s_group = null;
    }

    public void Dispose() => Leave();
}
