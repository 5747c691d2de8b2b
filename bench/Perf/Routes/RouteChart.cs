using System.Globalization;
using System.Security;
using System.Text;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.Routes;

/// <summary>Time over size, both logarithmic: a panel for each type, eager and captured, a curve for each route. What the router takes is ringed.</summary>
internal sealed class RouteChart
{
    private const int Width = 860, Panel = 440, Left = 70, Right = 690, Top = 50, Bottom = 380, TextSize = 12;

    // Told apart by eyes that don't tell red from green.
    private static readonly string[] s_colours = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000", "#8a6d00"];

    private readonly StringBuilder _shapes = new();
    private readonly StringBuilder _texts = new();

    internal static string Write(IReadOnlyList<AllReduceTiming> rows, string machine)
    {
        AllReduceTiming[][] panels = [.. rows.GroupBy(row => (row.Type, row.IsCaptured)).Select(group => group.OrderBy(row => row.Bytes).ToArray())];
        RouteChart chart = new();
        int height = Math.Max(1, panels.Length) * Panel;
        for (int panel = 0; panel < panels.Length; panel++)
            chart.Draw(panels[panel], machine, panel * Panel);
        return string.Create(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}" font-family="sans-serif">""")
            + string.Create(CultureInfo.InvariantCulture, $"""<rect x="0" y="0" width="{Width}" height="{height}" fill="white"/>""") + $"\n{chart._shapes}{chart._texts}</svg>\n";
    }

    private void Draw(AllReduceTiming[] rows, string machine, int top)
    {
        double[] times = [.. rows.SelectMany(row => row.Routes).Select(route => route.Microseconds).OfType<double>().Where(time => time > 0)];
        if (times.Length == 0)
            return;
        double lowest = Math.Floor(Math.Log10(times.Min())), highest = Math.Max(Math.Ceiling(Math.Log10(times.Max())), lowest + 1);
        double first = Math.Log2(rows[0].Bytes), last = Math.Max(Math.Log2(rows[^1].Bytes), first + 1);
        Text(Left, top + 28, Fit($"All-reduce, {rows[0].Type.NcclName()}, {(rows[0].IsCaptured ? "captured" : "eager")}: µs a call over bytes, {machine}", 15, Width - Left - 10), 15);

        for (int decade = (int)lowest; decade <= highest; decade++)
        {
            foreach (int digit in (ReadOnlySpan<int>)[1, 2, 5])
            {
                double value = digit * Math.Pow(10, decade);
                if (digit > 1 && decade >= highest)
                    continue;
                Line(Left, Y(value), Right, Y(value), digit == 1 ? "#bbb" : "#e8e8e8", 1);
                string label = value.ToString("0.###", CultureInfo.InvariantCulture);
                if (digit == 1 || (Bottom - Top) / (highest - lowest) > 60)
                    Text(Left - 6 - WidthOf(label, TextSize), (int)Y(value) + 4, label, TextSize);
            }
        }

        int step = Math.Max(1, (int)Math.Ceiling((last - first) / 10));
        for (int power = (int)Math.Ceiling(first); power <= last; power += step)
        {
            double x = X(Math.Pow(2, power));
            Line(x, top + Top, x, top + Bottom, "#e8e8e8", 1);
            string label = Size(power);
            Text((int)x - (WidthOf(label, TextSize) / 2), top + Bottom + 18, label, TextSize);
        }

        int colour = 0, legend = top + Top + 10;
        foreach (AllReduceRoute route in rows[0].Routes.Select(timing => timing.Route))
        {
            string stroke = s_colours[colour++ % s_colours.Length];
            (double X, double Y)[] points = [.. rows.Where(row => row.Find(route)?.Microseconds > 0).Select(row => (X(row.Bytes), Y(row.Find(route)!.Microseconds!.Value)))];
            if (points.Length == 0)
                continue;
            _shapes.Append(CultureInfo.InvariantCulture, $"""<polyline points="{string.Join(' ', points.Select(point => FormattableString.Invariant($"{point.X:0.#},{point.Y:0.#}")))}" fill="none" stroke="{stroke}" stroke-width="2"/>""").Append('\n');
            foreach (AllReduceTiming row in rows.Where(row => row.Find(route)?.Microseconds > 0))
                _shapes.Append(CultureInfo.InvariantCulture, $"""<circle cx="{X(row.Bytes):0.#}" cy="{Y(row.Find(route)!.Microseconds!.Value):0.#}" r="{(row.Choice == route ? 5 : 2)}" fill="{(row.Choice == route ? "white" : stroke)}" stroke="{stroke}" stroke-width="2"/>""").Append('\n');
            Line(Right + 14, legend - 4, Right + 38, legend - 4, stroke, 3);
            Text(Right + 44, legend, Fit(route.ToString(), TextSize, Width - Right - 54), TextSize);
            legend += 20;
        }

        Text(Right + 14, legend + 6, "ring: the router's", TextSize);

        double X(double bytes) => Left + ((Math.Log2(bytes) - first) / (last - first) * (Right - Left));
        double Y(double time) => top + Bottom - ((Math.Log10(time) - lowest) / (highest - lowest) * (Bottom - Top));
    }

    /// <summary>About how wide a text becomes; nobody knows the reader's font.</summary>
    private static int WidthOf(string text, int size) => (int)Math.Ceiling(text.Length * size * 0.57);

    private static string Fit(string text, int size, int width) => WidthOf(text, size) <= width ? text : text[..Math.Max(0, (int)(width / (size * 0.57)) - 1)].TrimEnd() + "…";

    private static string Size(int power) => power >= 30 ? $"{1L << (power - 30)} GiB" : power >= 20 ? $"{1 << (power - 20)} MiB" : power >= 10 ? $"{1 << (power - 10)} KiB" : $"{1 << power} B";

    private void Line(double x1, double y1, double x2, double y2, string stroke, int width) =>
        _shapes.Append(CultureInfo.InvariantCulture, $"""<line x1="{x1:0.#}" y1="{y1:0.#}" x2="{x2:0.#}" y2="{y2:0.#}" stroke="{stroke}" stroke-width="{width}"/>""").Append('\n');

    private void Text(int x, int y, string text, int size) => _texts.Append(CultureInfo.InvariantCulture, $"""<text x="{x}" y="{y}" font-size="{size}">{SecurityElement.Escape(text)}</text>""").Append('\n');
}
