using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// The emulator's litmus tests on devices, while copies keep the ways between them busy: by threads, on up to 4 GPUs or on one. COLLECTIVES_TEST_LITMUS_LAUNCHES: how many a test, of 64 cases a block (on an H100 33,792); COLLECTIVES_TEST_LITMUS_SEED.
/// </summary>
public sealed class LitmusTests
{
    private static readonly int s_launches = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_LITMUS_LAUNCHES"), out int launches) ? launches : 1;
    private static readonly ulong s_seed = ulong.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_LITMUS_SEED"), out ulong seed) ? seed : (ulong)World.Seed;

    public static TheoryData<string> Names => [.. LitmusTest.All.Select(test => test.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_outcome_is_one_that_the_emulator_allows(string name)
    {
        Assert.SkipWhen(World.IsLaunched, "By threads: a process drives all ranks of a case.");
        LitmusTest test = LitmusTest.All.Single(test => test.Name == name);
        LitmusRun run = new(test, s_launches, s_seed);
        run.Run();
        LitmusReport.Add(run, s_launches, s_seed);
        string seen = $"seed {s_seed}, {run.Cases} cases: {string.Join(", ", run.Outcomes.Select(outcome => $"{outcome.Key} {outcome.Value}"))}";
        Assert.True(run.NotEnded == 0, $"{run.NotEnded} cases did not end; {seen}");
        Assert.True(run.Outcomes.Keys.All(test.Allows), $"allowed are {string.Join(' ', test.Ordered.Concat(test.Weak))}; {seen}");
        Assert.Equal(run.Cases, run.Outcomes.Values.Aggregate(0UL, (sum, count) => sum + count));
    }

    [Fact]
    public void The_list_is_read_whole()
    {
        string list = LitmusTest.Source.Headers["litmus_shared.cuh"];
        Assert.Equal(list.Split("    TEST(").Length - 1, LitmusTest.All.Count);
        Assert.True(LitmusTest.All.Count > 30);
        Assert.All(LitmusTest.All, test => Assert.All(test.Ordered.Concat(test.Weak), outcome => Assert.Equal(test.Results, outcome.Length)));
    }
}
