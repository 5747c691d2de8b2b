using System.CommandLine;
using CollectivesSharp.Topology;

namespace CollectivesSharp.Perf.Topology;

/// <summary>perf topology: what this machine is, or one that was recorded.</summary>
internal static class TopologyCommand
{
    internal static Command Create()
    {
        Option<string?> from = new("--from") { Description = "a folder that 'topology snapshot' wrote, or NCCL's XML (*.xml), instead of this machine", Recursive = true };
        Option<string?> visible = new("--visible") { Description = "CUDA_VISIBLE_DEVICES to apply (default: this process's own)", Recursive = true };
        Option<bool> tree = new("--tree") { Description = "the tree of NUMA nodes, switches and devices, with warnings" };
        Option<bool> pcie = new("--pcie") { Description = "leave NVLinks out of the matrix" };
        Option<bool> bandwidth = new("--bandwidth") { Description = "nominal GB/s of each pair as a matrix" };
        Option<PeerCapability?> peer = new("--p2p") { Description = "what the driver lets GPUs do with each other's memory, as a matrix" };
        Option<FileInfo?> json = new("--json") { Description = "write everything to this file" };
        Option<FileInfo?> xml = new("--nccl-xml") { Description = "write NCCL's XML to this file, for NCCL_TOPO_FILE" };
        Option<FileInfo?> svg = new("--svg") { Description = "draw the machine into this file" };
        Option<bool> measure = new("--measure") { Description = "start a rank on each GPU (host ranks without), and measure what each pair moves" };
        Option<LaunchMode> launch = new("--launch") { Description = "with --measure: what ranks are", DefaultValueFactory = _ => LaunchMode.Processes };
        Option<int?> ranks = new("--ngpus", "-g") { Description = "with --measure: ranks to start" };
        Option<Backend> backend = new("--backend") { Description = "with --measure: where the memory lies", DefaultValueFactory = _ => Backend.Auto };
        Option<long?> bytes = new("--bytes") { Description = "with --measure: of one copy (default: 64 MiB between GPUs, else 4 MiB)" };
        Command command = new("topology", "GPUs, NVLinks, adapters and the paths between them: the matrix of nvidia-smi topo -m.")
        {
            from, visible, tree, pcie, bandwidth, peer, json, xml, svg, measure, launch, ranks, backend, bytes,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(measure))
            {
                if (parsed.GetValue(from) is { } recorded)
                    throw new PerfException($"--measure --from {recorded}: only this machine can be measured.");
                PairCommand pairs = new(parsed.GetValue(launch), parsed.GetValue(ranks), parsed.GetValue(backend), new PairOptions { Bytes = parsed.GetValue(bytes) }, parsed.GetValue(json));
                return await pairs.RunAsync(Environment.GetCommandLineArgs()[1..], cancellationToken);
            }

            MachineTopology topology = Detect(parsed.GetValue(from), parsed.GetValue(visible));
            Write(parsed.GetValue(json), () => TopologyJson.Write(topology) + "\n");
            Write(parsed.GetValue(xml), () => NcclTopologyXml.Write(topology));
            Write(parsed.GetValue(svg), () => TopologyDrawing.Write(topology));
            if (parsed.GetValue(peer) is { } capability)
                Console.Write(new PeerMatrix(topology, capability));
            else if (parsed.GetValue(bandwidth))
                Console.Write(new TopologyMatrix(topology, parsed.GetValue(pcie)).ToBandwidthText());
            else if (parsed.GetValue(tree))
                Console.Write(TopologyTree.Write(topology));
            else
                Console.Write(new TopologyMatrix(topology, parsed.GetValue(pcie)));
            if (!parsed.GetValue(tree))
            {
                foreach (TopologyWarning warning in topology.Warnings)
                    Console.Error.WriteLine($"# {warning}");
            }

            return 0;
        });

        Argument<string> folder = new("folder") { Description = "made if it is missing" };
        Command snapshot = new("snapshot", "Record this machine into a folder: the files and the driver's answers that detection used, without names and addresses.") { folder };
        snapshot.SetAction(parsed =>
        {
            string target = parsed.GetRequiredValue(folder);
            TopologySnapshot.Record(target, Options(parsed.GetValue(from), null));
            Console.WriteLine($"{target}: {TopologySnapshot.TreeFile}, {TopologySnapshot.NvmlFile}");
            return 0;
        });
        command.Add(snapshot);
        return command;
    }

    private static MachineTopology Detect(string? from, string? visible)
    {
        if (from?.EndsWith(".xml", StringComparison.OrdinalIgnoreCase) == true)
            return NcclTopologyXml.Read(File.ReadAllText(from));
        return MachineTopology.Detect(Options(from, visible));
    }

    private static TopologyOptions Options(string? from, string? visible)
    {
        if (from is not null && !Directory.Exists(from))
            throw new PerfException($"--from {from}: there is no such folder, and it is no .xml file.");
        return new TopologyOptions { Snapshot = from, VisibleDevices = visible };
    }

    private static void Write(FileInfo? file, Func<string> text)
    {
        if (file is not null)
            File.WriteAllText(file.FullName, text());
    }
}
