using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Questions to what ranks have said.</summary>
internal static class Said
{
    internal static Report Of(this Report[] all, int rank, string step)
    {
        Report? found = all.FirstOrDefault(report => report.Rank == rank && report.Step == step);
        Assert.True(found is not null, $"Rank {rank} said nothing of '{step}', only: {string.Join(Environment.NewLine, all.AsEnumerable())}");
        return found;
    }

    internal static void Went(this Report[] all, int rank, params string[] steps) => Assert.All(steps, step => Assert.True(all.Of(rank, step).Exception == "", all.Of(rank, step).ToString()));

    internal static Report Threw(this Report[] all, int rank, string step, string exception, params string[] texts)
    {
        Report report = all.Of(rank, step);
        Assert.True(report.Exception == exception, $"{exception} was expected: {report}");
        Assert.All(texts, text => Assert.Contains(text, report.Message, StringComparison.Ordinal));
        return report;
    }
}
