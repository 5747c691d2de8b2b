using System.Globalization;
using System.Xml.Linq;
using CollectivesSharp.Interop;
using CollectivesSharp.Perf;
using CollectivesSharp.Perf.Routes;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>What bench/Perf draws can be read.</summary>
public sealed class RouteChartTests
{
    [Theory]
    [InlineData(1, 1 << 10)]
    [InlineData(20, 1 << 10)]
    [InlineData(28, 8)]
    public void Texts_lie_inside_and_on_no_other_text(int sizes, int first)
    {
        AllReduceTiming[] rows = [.. Enumerable.Range(0, sizes * 2).Select(index => Row((nuint)first << (index / 2), index % 2 == 1))];
        XElement svg = XDocument.Parse(RouteChart.Write(rows, $"4 × {new string('N', 200)} <&>")).Root!;
        (double Left, double Top, double Right, double Bottom)[] texts = [.. svg.Elements().Where(element => element.Name.LocalName == "text").Select(text =>
            (Number(text, "x"), Number(text, "y") - Number(text, "font-size"), Number(text, "x") + (text.Value.Length * Number(text, "font-size") * 0.57), Number(text, "y")))];
        Assert.True(texts.Length > 10);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.True(texts[i].Left >= 0 && texts[i].Top >= 0 && texts[i].Right <= Number(svg, "width") && texts[i].Bottom <= Number(svg, "height"), $"text {i} leaves the drawing: {texts[i]}");
            for (int j = i + 1; j < texts.Length; j++)
                Assert.False(texts[i].Left < texts[j].Right && texts[j].Left < texts[i].Right && texts[i].Top < texts[j].Bottom && texts[j].Top < texts[i].Bottom, $"texts {i} and {j} overlap: {texts[i]}, {texts[j]}");
        }
    }

    [Fact]
    public void Every_route_that_was_measured_has_a_curve_and_a_name()
    {
        XElement svg = XDocument.Parse(RouteChart.Write([Row(1024, true), Row(2048, true)], "here")).Root!;
        Assert.Equal(Enum.GetValues<AllReduceRoute>().Length - 1, svg.Elements().Count(element => element.Name.LocalName == "polyline"));
        Assert.All(Enum.GetNames<AllReduceRoute>().Where(name => name != nameof(AllReduceRoute.None)), name => Assert.Contains(svg.Elements(), element => element.Name.LocalName == "text" && element.Value == name));
    }

    [Fact]
    public void The_chart_of_the_documents_is_that_of_the_results_that_are_kept()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "documents");
        (IReadOnlyList<AllReduceTiming> rows, string machine) = RouteReport.Read(new FileInfo(Path.Combine(folder, "all-reduce-routes.json")));
        Assert.True(rows.Count >= 2 * 20, "every power of two from 1 KiB to 512 MiB, eager and captured");
        Assert.True(File.ReadAllText(Path.Combine(folder, "all-reduce.svg")) == RouteChart.Write(rows, machine), "draw it again: perf chart bench/results/all-reduce-routes.json --svg docs/all-reduce.svg");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("not JSON")]
    [InlineData("""{"ranks": 2, "devices": ["a"], "results": []}""")]
    [InlineData("""{"ranks": 2, "devices": [], "results": [{"size": 8, "type": "float32", "captured": true, "router": "OneShot", "microseconds": {}}]}""")]
    [InlineData("""{"ranks": 2, "devices": ["a"], "results": [{"size": 8, "type": "float31", "captured": true, "router": "OneShot", "microseconds": {}}]}""")]
    [InlineData("""{"ranks": 2, "devices": ["a"], "results": [{"size": 8, "type": "float32", "captured": true, "router": "Shot", "microseconds": {}}]}""")]
    public void Files_without_such_results_are_refused_by_name(string content)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, content);
            Assert.Contains(path, Assert.Throws<PerfException>(() => RouteReport.Read(new FileInfo(path))).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("\"router_plain\": null,", null)]
    [InlineData("\"router_plain\": \"Windowed\", \"router_plain_over_best\": 0.25,", AllReduceRoute.Windowed)]
    public void Files_from_before_plain_buffers_were_told_apart_are_read_too(string plain, AllReduceRoute? choice)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, $$"""{"ranks": 2, "devices": ["a"], "results": [{"size": 8, "type": "float32", "captured": true, "router": "Registered", {{plain}}"microseconds": {"Windowed": 2.5, "Registered": 2} }]}""");
            AllReduceTiming row = Assert.Single(RouteReport.Read(new FileInfo(path)).Rows);
            Assert.Equal((AllReduceRoute.Registered, choice, 0.0, choice is null ? null : 0.0), (row.Choice, row.PlainChoice, row.Distance!.Value, row.PlainDistance));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static AllReduceTiming Row(nuint bytes, bool captured) => new(bytes, DataType.BFloat16, captured, AllReduceRoute.OneShot,
        [.. Enum.GetValues<AllReduceRoute>().Where(route => route != AllReduceRoute.None).Select((route, index) => new RouteTiming(route, 2 + index + (bytes / 3e5), null))]);

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);
}
