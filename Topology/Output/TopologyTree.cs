using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>The machine as an indented tree: NUMA nodes, host bridges, switches and what hangs on them.</summary>
public static class TopologyTree
{
    public static string Write(MachineTopology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        StringBuilder text = new();
        DeviceTree tree = DeviceTree.Of(topology);
        text.Append(tree.Title).Append('\n');
        Append(text, tree, "");
        if (!topology.Links.IsEmpty)
        {
            foreach (IGrouping<(int Count, NvLinkKind Kind, int Version), NvLinkConnection> alike in topology.Links.GroupBy(link => (link.Count, link.Kind, link.Version)))
                text.Append($"NVLink{(alike.Key.Version > 0 ? $" version {alike.Key.Version}" : "")}, {Words(alike.Key.Kind)}, {alike.Key.Count} links: {string.Join(" ", alike.Select(link => $"{link.First}-{link.Second}"))}\n");
        }

        foreach (NetworkBond bond in topology.Bonds)
            text.Append($"bond {bond.Name}, {bond.Mode}, {(bond.Up ? "up" : "down")}: {string.Join(" ", bond.Members)}\n");
        text.Append($"GPUDirect RDMA: {topology.GpuDirect.Support switch { GpuDirectSupport.PeerMemory => "yes", GpuDirectSupport.DmaBuf => "likely", _ => "no" }}, {topology.GpuDirect.Reason}\n");
        foreach (TopologyWarning warning in topology.Warnings)
            text.Append($"warning: {warning}\n");
        return text.ToString();
    }

    private static string Words(NvLinkKind kind) => kind switch { NvLinkKind.Direct => "GPU to GPU", NvLinkKind.Switch => "through NVSwitch", _ => "other ends hidden, taken for NVSwitch" };

    private static void Append(StringBuilder text, DeviceTree tree, string indent)
    {
        for (int i = 0; i < tree.Children.Count; i++)
        {
            bool last = i == tree.Children.Count - 1;
            text.Append(indent).Append(last ? "└─ " : "├─ ").Append(tree.Children[i].Title).Append('\n');
            Append(text, tree.Children[i], indent + (last ? "   " : "│  "));
        }
    }
}
