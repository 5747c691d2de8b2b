namespace CollectivesSharp.Topology;

/// <summary>NVLinks in a drawing: a bar that GPUs hang on where switches join them, lines from GPU to GPU otherwise.</summary>
internal sealed class NvLinkBus(MachineTopology topology)
{
    private readonly Gpu[] _switched = [.. topology.Gpus.Where(gpu => topology.Links.Any(link => link.Kind != NvLinkKind.Direct && (link.First == gpu.Index || link.Second == gpu.Index)))];

    internal int Height => _switched.Length > 0 || topology.Links.Length > 0 ? 44 : 0;

    internal void Draw(SvgText svg, Dictionary<object, (int X, int Y)> centers, int left, int top, int width)
    {
        if (_switched.Length > 0)
        {
            bool inferred = topology.Links.Any(link => link.Kind == NvLinkKind.Inferred);
            svg.Rectangle(left, top, width, 18, "#b9dca8");
            svg.Text(left + 6, top + 13, $"NVSwitch{(inferred ? " (inferred)" : "")}: {string.Join(", ", _switched.GroupBy(gpu => gpu.SwitchNvLinks).Select(group => $"{group.Key} links each from {string.Join(" ", group.Select(gpu => gpu.Label))}"))}", 10);
            foreach (Gpu gpu in _switched)
            {
                if (centers.TryGetValue(topology.Gpus[gpu.Index], out (int X, int Y) center))
                    svg.Line(center.X, center.Y, center.X, top + 18, 1.5);
            }
        }

        foreach (NvLinkConnection link in topology.Links.Where(link => link.Kind == NvLinkKind.Direct))
        {
            if (centers.TryGetValue(topology.Gpus[link.First], out (int X, int Y) first) && centers.TryGetValue(topology.Gpus[link.Second], out (int X, int Y) second))
                svg.Curve(first.X, first.Y, second.X, second.Y, top + 4 + (4 * (link.Second - link.First)), link.Count / 2.0 + 0.5, link.Label);
        }
    }
}
