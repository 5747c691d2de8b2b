namespace CollectivesSharp.Topology;

/// <summary>NVLinks in a drawing: a bar that GPUs hang on where switches join them, lines from GPU to GPU otherwise.</summary>
internal sealed class NvLinkBus(MachineTopology topology)
{
    private readonly Gpu[] _switched = [.. topology.Gpus.Where(gpu => topology.Links.Any(link => link.Kind != NvLinkKind.Direct && (link.First == gpu.Index || link.Second == gpu.Index)))];

    private string Title => $"NVSwitch{(topology.Links.Any(link => link.Kind == NvLinkKind.Inferred) ? " (inferred)" : "")}: "
        + string.Join(", ", _switched.GroupBy(gpu => gpu.SwitchNvLinks).Select(group => $"{group.Key} links each from {string.Join(" ", group.Select(gpu => gpu.Label))}"));

    /// <summary>What its text needs.</summary>
    internal int Width => _switched.Length > 0 ? SvgText.WidthOf(Title, 10) + 12 : 0;

    internal int Height => _switched.Length > 0 || topology.Links.Length > 0 ? 44 : 0;

    /// <param name="svg">The drawing.</param>
    /// <param name="centers">Of each device's box, its upper side.</param>
    /// <param name="left">Of the bar.</param>
    /// <param name="top">Of the bar.</param>
    /// <param name="width">Of the bar.</param>
    /// <param name="gutter">From a box's center to where it has no text.</param>
    internal void Draw(SvgText svg, Dictionary<object, (int X, int Y)> centers, int left, int top, int width, int gutter)
    {
        if (_switched.Length > 0)
        {
            svg.Rectangle(left, top, width, 18, "#b9dca8");
            svg.Text(left + 6, top + 13, Title, 10);
            Dictionary<int, int> above = [];
            foreach (Gpu gpu in _switched)
            {
                if (!centers.TryGetValue(topology.Gpus[gpu.Index], out (int X, int Y) center))
                    continue;
                // Boxes of a column stand one below the other: each has a line of its own beside their texts.
                int before = above[center.X] = above.GetValueOrDefault(center.X) + 1, x = center.X + gutter + Math.Min(5 * before, TopologyDrawing.Gutter - 6);
                svg.Line(x, center.Y, x, top + 18, 1.5);
            }
        }

        foreach (NvLinkConnection link in topology.Links.Where(link => link.Kind == NvLinkKind.Direct))
        {
            if (centers.TryGetValue(topology.Gpus[link.First], out (int X, int Y) first) && centers.TryGetValue(topology.Gpus[link.Second], out (int X, int Y) second))
                svg.Curve(first.X, first.Y, second.X, second.Y, top + 4 + (4 * (link.Second - link.First)), link.Count / 2.0 + 0.5, link.Label);
        }
    }
}
