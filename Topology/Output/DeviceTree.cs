using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>Machine, NUMA nodes, host bridges, switches, devices: for output that shows how things hang together.</summary>
internal sealed class DeviceTree(string title)
{
    private readonly Dictionary<string, DeviceTree> _byName = new(StringComparer.Ordinal);

    internal string Title { get; } = title;

    internal object? Device { get; private set; }

    internal List<DeviceTree> Children { get; } = [];

    internal static DeviceTree Of(MachineTopology topology)
    {
        DeviceTree machine = new(string.Join(", ", new[]
        {
            topology.Platform.Product, topology.Platform.CpuName, topology.Platform.DriverVersion is { Length: > 0 } driver ? $"driver {driver}" : "",
            topology.Platform.VirtualMachine is { Length: > 0 } hypervisor ? $"virtual machine ({hypervisor})" : "", topology.Platform.Container is { Length: > 0 } container ? $"container ({container})" : "",
        }.Where(word => word.Length > 0).DefaultIfEmpty("machine")));
        foreach (NumaNode node in topology.NumaNodes)
            machine.Child($"{node.Id}", $"NUMA node {node.Id}{(node.Cpus.Length > 0 ? $", processors {node.Cpus}" : ", no processors")}{(node.MemoryBytes > 0 ? $", {node.MemoryBytes >> 30} GiB" : "")}");
        foreach (Gpu gpu in topology.Gpus)
            machine.Place(topology, gpu.Pci, gpu, DeviceLine.Of(gpu));
        foreach (NetworkAdapter adapter in topology.Adapters)
            machine.Place(topology, adapter.Pci, adapter, DeviceLine.Of(adapter));
        machine.Shorten();
        return machine;
    }

    private void Place(MachineTopology topology, PciDevice? pci, object device, string line)
    {
        int? node = pci?.NumaNode ?? (topology.NumaNodes is [var only] ? only.Id : null);
        DeviceTree parent = node is { } id ? Child($"{id}", $"NUMA node {id}") : Child("", "NUMA node not told");
        if (pci?.Root is { } root)
            parent = parent.Child(root, $"host bridge {root}");
        foreach ((int depth, PciAddress bridge) in (pci?.Bridges ?? []).Index())
            parent = parent.Child(bridge.ToString(), depth == 0 ? $"PCIe root port {bridge}" : $"PCIe switch {bridge}");
        parent.Children.Add(new DeviceTree(line) { Device = device });
    }

    private DeviceTree Child(string name, string title)
    {
        if (!_byName.TryGetValue(name, out DeviceTree? child))
        {
            _byName[name] = child = new DeviceTree(title);
            Children.Add(child);
        }

        return child;
    }

    /// <summary>A bridge with one thing below it says nothing; what remains of a switch is its upstream port.</summary>
    private void Shorten()
    {
        for (int i = 0; i < Children.Count; i++)
        {
            while (Children[i] is { Device: null, Children.Count: 1 } child && child.Title.StartsWith("PCIe", StringComparison.Ordinal))
                Children[i] = child.Children[0];
            Children[i].Shorten();
        }
    }
}
