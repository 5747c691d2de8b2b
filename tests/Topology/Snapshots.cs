namespace CollectivesSharp.Topology.Tests;

/// <summary>The recorded machines beside the test program.</summary>
internal static class Snapshots
{
    internal const string HostileName = "made-up-hostile";

    internal static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "snapshots");

    internal static string[] Names { get; } = [.. Directory.GetDirectories(Folder).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    internal static string Text(string name, string file) => File.ReadAllText(Path.Combine(Folder, name, file));

    internal static bool Has(string name, string file) => File.Exists(Path.Combine(Folder, name, file));

    internal static MachineTopology Detect(string name, string? visibleDevices = null) => Has(name, "nccl.xml") ? NcclTopologyXml.Read(Text(name, "nccl.xml"))
        : MachineTopology.Detect(new TopologyOptions { Snapshot = Path.Combine(Folder, name), VisibleDevices = visibleDevices });
}
