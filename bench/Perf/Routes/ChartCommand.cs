using System.CommandLine;

namespace CollectivesSharp.Perf.Routes;

/// <summary>perf chart: the curves of results that were kept.</summary>
internal static class ChartCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> results = new("results") { Description = "what all-reduce --compare or tune wrote with --json" };
        Option<FileInfo> svg = new("--svg") { Description = "draw the curves into this file", Required = true };
        Command command = new("chart", "Draws what all-reduce --compare or tune measured.") { results, svg };
        command.SetAction(parsed =>
        {
            (IReadOnlyList<AllReduceTiming> rows, string machine) = RouteReport.Read(parsed.GetRequiredValue(results));
            File.WriteAllText(parsed.GetRequiredValue(svg).FullName, RouteChart.Write(rows, machine));
        });
        return command;
    }
}
