using System.Globalization;
using System.Text.RegularExpressions;

namespace CollectivesSharp.KernelEmulator;

/// <summary>How a program ended: its exit code.</summary>
internal enum Verdict
{
    Passed,
    WrongData,
    Deadlock,
    Crash,
    Usage,
}

/// <summary>What a program said: one line of counts when all cases passed, else what was wrong and how to see it again.</summary>
internal sealed partial record Outcome(Verdict Verdict, string Output, string Errors)
{
    internal long Cases => Count("cases");

    internal long Calls => Count("calls");

    /// <summary>Of the case that failed.</summary>
    internal ulong FailedSeed => ulong.Parse(FailedSeedPattern().Match(Errors) is { Success: true } match ? match.Groups[1].Value : "0", CultureInfo.InvariantCulture);

    private long Count(string what) => Regex.Match(Output, $@"(\d+) {what}") is { Success: true } match ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Reproduce: .* --seed (\d+)")]
    private static partial Regex FailedSeedPattern();
}
