using System.Globalization;
using System.Security;
using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>The few shapes that a drawing needs; pixels, y downwards.</summary>
internal sealed class SvgText
{
    private readonly StringBuilder _shapes = new();

    // After all shapes, with a white rim: lines pass under them.
    private readonly StringBuilder _texts = new();

    internal SvgText(int width, int height) =>
        Append($"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif"><rect width="{width}" height="{height}" fill="white"/>""");

    public override string ToString() => $"{_shapes}{_texts}</svg>\n";

    /// <summary>About how wide a text becomes; nobody knows the reader's font.</summary>
    internal static int WidthOf(string text, int size, bool bold = false) => (int)Math.Ceiling(text.Length * size * (bold ? 0.62 : 0.57));

    /// <summary>As much of it as fits.</summary>
    internal static string Fit(string text, int size, int width) => WidthOf(text, size) <= width ? text : text[..Math.Max(0, (int)(width / (size * 0.57)) - 1)].TrimEnd() + "…";

    internal void Rectangle(int x, int y, int width, int height, string fill) =>
        Append($"""<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{fill}" stroke="#888"/>""");

    internal void Text(int x, int y, string text, int size, bool bold = false) =>
        Append(_texts, $"""<text x="{x}" y="{y}" font-size="{size}"{(bold ? " font-weight=\"bold\"" : "")} stroke="white" stroke-width="3" paint-order="stroke">{Escape(text)}</text>""");

    internal void Line(int x1, int y1, int x2, int y2, double width) =>
        Append($"""<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#5a9a3c" stroke-width="{width}"/>""");

    /// <summary>From one point to another over a height above both.</summary>
    internal void Curve(int x1, int y1, int x2, int y2, int over, double width, string label)
    {
        Append($"""<path d="M {x1} {y1} C {x1} {over} {x2} {over} {x2} {y2}" fill="none" stroke="#5a9a3c" stroke-width="{width}"/>""");
        Text((x1 + x2) / 2, ((y1 + y2) / 8) + (3 * over / 4), label, 9);
    }

    private void Append(FormattableString line) => Append(_shapes, line);

    private static void Append(StringBuilder to, FormattableString line) => to.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    /// <summary>Names come from files: markup and control characters do not get through.</summary>
    private static string Escape(string text) => SecurityElement.Escape(string.Concat(text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c) && c is not ('\ufffe' or '\uffff'))));
}
