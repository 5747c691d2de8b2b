using System.Text.Json;

namespace CollectivesSharp.Conformance.Device;

/// <summary>What was seen, as a JSON file that is written anew after each test. COLLECTIVES_TEST_LITMUS_JSON: its path.</summary>
internal static class LitmusReport
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true };
    private static readonly List<object> s_tests = [];

    internal static void Add(LitmusRun run, int launches, ulong seed)
    {
        if (Environment.GetEnvironmentVariable("COLLECTIVES_TEST_LITMUS_JSON") is not { Length: > 0 } path)
            return;
        s_tests.Add(new
        {
            name = run.Test.Name,
            ranks = run.Test.Ranks,
            devices = run.Devices,
            load_gigabytes_per_second = run.LoadGigabytesPerSecond.Select(load => Math.Round(load, 1)),
            launches,
            seed,
            cases = run.Cases,
            not_ended = run.NotEnded,
            outcomes = run.Outcomes,
            sequentially_consistent = run.Test.Ordered,
            weak = run.Test.Weak,
            beyond = run.Outcomes.Keys.Where(outcome => !run.Test.Allows(outcome)),
        });
        File.WriteAllText(path, JsonSerializer.Serialize(new { what = "litmus tests on devices, under copies in both directions; outcomes and how often each was seen", tests = s_tests }, s_options));
    }
}
