using System.Globalization;
using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>The machine as a picture: NUMA nodes, switches, GPUs and adapters where they hang, NVLinks above. SVG without scripts, fonts or links.</summary>
public static class TopologyDrawing
{
    private const int BoxWidth = 168;

    /// <summary>At the right side of a device's box, for the lines of those below it.</summary>
    internal const int Gutter = 28;

    private const int BoxHeight = 34;
    private const int Gap = 12;
    private const int HeaderHeight = 22;

    /// <summary>Columns of a NUMA node before a new line of boxes begins.</summary>
    private const int MaxColumns = 4;

    public static string Write(MachineTopology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        DeviceTree tree = DeviceTree.Of(topology);
        DrawingBox machine = Lay(topology, tree) with { First = "" };
        NvLinkBus bus = new(topology);
        int top = 30 + bus.Height;
        int width = new[] { machine.Width, bus.Width, SvgText.WidthOf(tree.Title, 13, bold: true) }.Max();
        SvgText svg = new(width + (2 * Gap), top + machine.Height + (2 * Gap));
        svg.Text(Gap, 20, tree.Title, 13, bold: true);
        Dictionary<object, (int X, int Y)> centers = [];
        Draw(svg, machine, Gap, top + Gap, centers);
        bus.Draw(svg, centers, Gap, 30, Math.Max(machine.Width, bus.Width), (BoxWidth - Gutter) / 2);
        return svg.ToString();
    }

    private static DrawingBox Lay(MachineTopology topology, DeviceTree tree)
    {
        if (tree.Device is { } device)
        {
            (string first, string second) = Label(topology, device);
            return new DrawingBox(first, second, device, BoxWidth, BoxHeight, []);
        }

        DrawingBox[] children = [.. tree.Children.Select(child => Lay(topology, child))];
        List<(DrawingBox, int X, int Y)> placed = [];
        int columns = children.All(child => child.Device is not null) ? 1 : MaxColumns, x = Gap, y = HeaderHeight, line = 0, width = 0;
        for (int i = 0; i < children.Length; i++)
        {
            if (i > 0 && i % columns == 0)
                (x, y, line) = (Gap, y + line + Gap, 0);
            placed.Add((children[i], x, y));
            x += children[i].Width + Gap;
            line = Math.Max(line, children[i].Height);
            width = Math.Max(width, x);
        }

        return new DrawingBox(tree.Title, "", null, Math.Max(width, SvgText.WidthOf(tree.Title, 10) + Gap), y + line + Gap, placed);
    }

    private static (string First, string Second) Label(MachineTopology topology, object device) => device switch
    {
        Gpu gpu => ($"{gpu.Label} {gpu.Pci.Address}", gpu.Name.Replace("NVIDIA ", "", StringComparison.Ordinal)),
        NetworkAdapter adapter => (adapter.Name, string.Create(CultureInfo.InvariantCulture, $"{DeviceLine.Kind(adapter)} {(adapter.Active ? adapter.GigabitsPerSecond > 0 ? $"{adapter.GigabitsPerSecond:0.#} Gb/s" : "up" : "down")}")),
        _ => ("", ""),
    };

    private static void Draw(SvgText svg, DrawingBox box, int x, int y, Dictionary<object, (int X, int Y)> centers)
    {
        string fill = box.Device switch { Gpu => "#cfe8c4", NetworkAdapter { Active: true } => "#cddff5", NetworkAdapter => "#f3cccc", _ => box.First.StartsWith("PCIe", StringComparison.Ordinal) ? "#f6efd8" : "#f7f7f7" };
        svg.Rectangle(x, y, box.Width, box.Height, fill);
        if (box.Device is { } device)
        {
            centers[device] = (x + (box.Width / 2), y);
            svg.Text(x + 6, y + 14, box.First, 10, bold: true);
            svg.Text(x + 6, y + 28, SvgText.Fit(box.Second, 10, BoxWidth - Gutter - 6), 10);
            return;
        }

        svg.Text(x + 6, y + 15, box.First, 10);
        foreach ((DrawingBox child, int left, int below) in box.Children)
            Draw(svg, child, x + left, y + below, centers);
    }
}
