using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CollectivesSharp.Cuda;
using CollectivesSharp.Topology;

namespace CollectivesSharp.Perf.Topology;

/// <summary>perf topology --measure: starts ranks as the tables do, one a GPU, and prints what each pair really moves.</summary>
internal sealed record PairCommand(LaunchMode Launch, int? Ranks, Backend Backend, PairOptions Options, FileInfo? Json)
{
    private const int HostRanks = 4;

    private static readonly JsonSerializerOptions s_layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        LaunchEnvironment environment = LaunchEnvironment.Detect();
        if (environment.Launcher != LauncherKind.None)
        {
            if (Ranks is { } asked && asked != environment.WorldSize)
                throw new PerfException($"-g {asked}, but {environment.Launcher} started {environment.WorldSize} ranks.");
            await using GroupCoordinator group = await GroupCoordinator.CreateAsync(GroupOptions(Backend != Backend.Host), cancellationToken);
            return await MeasureAsync(group, cancellationToken);
        }

        int gpus = Backend != Backend.Host && CudaDriver.TryInitialize(out _) ? CudaDevice.All.Count : 0;
        if (Backend == Backend.Cuda && (gpus < 2 || Ranks > gpus))
            throw new PerfException($"--backend cuda --measure: a pair is two GPUs, and a rank takes one; visible: {CudaDevice.DescribeAll()}.");
        int ranks = Ranks ?? (gpus > 1 ? gpus : HostRanks);
        bool onDevices = ranks <= gpus;
        if (Launch == LaunchMode.Processes)
        {
            string[] own = [.. arguments, .. onDevices || Backend == Backend.Host ? Array.Empty<string>() : ["--backend", "host"]];
            return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(own), WorldSize = ranks }.RunAsync(cancellationToken);
        }

        ThreadRanks.Run(ranks, group => MeasureAsync(group, cancellationToken).GetAwaiter().GetResult(), GroupOptions(onDevices));
        return 0;
    }

    private static GroupOptions GroupOptions(bool onDevices) => onDevices ? new GroupOptions() : new GroupOptions { Device = DeviceChoice.None };

    private async Task<int> MeasureAsync(GroupCoordinator group, CancellationToken cancellationToken)
    {
        MachineTopology machine = MachineTopology.Detect();
        GroupTopology topology = await group.GatherTopologyAsync(machine, cancellationToken);
        PairMeasurements measured = await group.MeasurePairsAsync(Options, topology, cancellationToken);
        if (group.Rank != 0)
            return 0;
        foreach (GroupMember member in group.Members)
            Console.WriteLine($"# rank {member.Rank}: {(member.Device is { } device ? $"{device.Name} {device.PciBusId}" : "host memory")}, {member.Host}, pid {member.ProcessId}");
        Console.WriteLine();
        Console.Write(measured);
        foreach (GroupTopologyWarning warning in measured.Warnings)
            Console.Error.WriteLine($"# {warning}");
        if (Json is not null)
        {
            JsonNode document = JsonNode.Parse(TopologyJson.Write(machine))!;
            document["measured"] = ToJson(group, measured);
            await File.WriteAllTextAsync(Json.FullName, document.ToJsonString(s_layout) + "\n", cancellationToken);
        }

        return 0;
    }

    private static JsonObject ToJson(GroupCoordinator group, PairMeasurements measured) => new()
    {
        ["bytes"] = measured.Bytes,
        ["ranks"] = new JsonArray([.. group.Members.Select(member => new JsonObject { ["rank"] = member.Rank, ["node"] = member.NodeId, ["pid"] = member.ProcessId, ["pci_bus_id"] = member.Device?.PciBusId, ["name"] = member.Device?.Name })]),
        ["not_over_peer_access"] = measured.PeerObjection,
        ["pairs"] = new JsonArray([.. measured.Pairs.Select(pair => new JsonObject
        {
            ["from"] = pair.From,
            ["to"] = pair.To,
            ["path"] = pair.Path.ToString(),
            ["transport"] = pair.Transport.ToString(),
            ["nominal_GBps"] = pair.NominalGigabytesPerSecond > 0 ? Math.Round(pair.NominalGigabytesPerSecond, 3) : null,
            ["measured_GBps"] = pair.GigabytesPerSecond is { } bandwidth ? Math.Round(bandwidth, 3) : null,
            ["latency_us"] = pair.LatencyMicroseconds is { } latency ? Math.Round(latency, 3) : null,
            ["wrong_bytes"] = pair.WrongBytes,
            ["objection"] = pair.Objection,
        })]),
        ["warnings"] = new JsonArray([.. measured.Warnings.Select(warning => JsonValue.Create(warning.ToString()))]),
    };
}
