using System.Text.RegularExpressions;
using CollectivesSharp.Cuda;

namespace CollectivesSharp.Conformance.Device;

/// <summary>A litmus test of tests/KernelEmulator/programs/litmus_shared.cuh, as its list has it: what the emulator allows is what a GPU may show.</summary>
/// <param name="Number">In the list.</param>
/// <param name="Results">Digits of an outcome.</param>
/// <param name="Ordered">The outcomes that sequential consistency allows.</param>
/// <param name="Weak">The outcomes that the emulator's weak model allows beside those.</param>
internal sealed partial record LitmusTest(int Number, string Name, int Results, int Ranks, int Grids, int Threads, string[] Ordered, string[] Weak)
{
    /// <summary>Of an outcome that says that a case did not end.</summary>
    internal const int NotEnded = 9999;

    internal static KernelSource Source { get; } = new(
        "litmus.cu",
        KernelSource.FromResource(typeof(LitmusTest).Assembly, "litmus.cu").Text,
        new Dictionary<string, string>
        {
            ["device.cuh"] = KernelSource.FromResource(typeof(PeerArena).Assembly, "device.cuh").Text,
            ["litmus_shared.cuh"] = KernelSource.FromResource(typeof(LitmusTest).Assembly, "litmus_shared.cuh").Text,
        });

    internal static IReadOnlyList<LitmusTest> All { get; } = [.. Entry().Matches(Source.Headers["litmus_shared.cuh"]).Select(Parse)];

    internal bool Allows(string outcome) => Ordered.Contains(outcome) || Weak.Contains(outcome);

    private static LitmusTest Parse(Match entry, int number)
    {
        int[] numbers = [.. entry.Groups["number"].Captures.Select(capture => int.Parse(capture.Value))];
        return new LitmusTest(number, entry.Groups["name"].Value, numbers[0], numbers[1], numbers[2], numbers[3], Outcomes("ordered"), Outcomes("weak"));

        string[] Outcomes(string group) => entry.Groups[group].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex("""^ +TEST\([\w<>:]+, "(?<name>[^"]+)"(, (?<number>\d)){4}, "(?<ordered>[\d ]*)", "(?<weak>[\d ]*)"\)""", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
