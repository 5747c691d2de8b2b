using System.Text.RegularExpressions;
using Xunit;

namespace CollectivesSharp.KernelEmulator;

/// <summary>The emulator itself: it allows what the memory model allows, shows all of it, and names what goes wrong.</summary>
public sealed class LitmusTests
{
    [Theory]
    [InlineData("sc")]
    [InlineData("weak")]
    public async Task Every_outcome_that_the_model_allows_is_seen_and_no_other(string model)
    {
        Outcome outcome = await Emulator.RunAsync(await Emulator.BuildAsync("litmus", []), model, "--cases", "20000");
        Assert.True(outcome.Verdict == Verdict.Passed, outcome.Output + outcome.Errors);
        MatchCollection tests = Regex.Matches(outcome.Output, @"^.+:( \d+ \d+)+$", RegexOptions.Multiline);
        Console.WriteLine($"   litmus tests, {model,-4}: {tests.Count} with {tests.Sum(test => test.Groups[1].Captures.Count)} outcomes, 20000 seeds each");
        Assert.True(tests.Count > 30, outcome.Output);
    }

    [Theory]
    [InlineData("a race in block memory", "sc weak", 1, "a race in the block's memory")]
    [InlineData("a deadlock", "sc weak", 2, "nobody gets on")]
    [InlineData("a slot reused within a launch by hops alone", "weak", 2, "nobody gets on")]
    [InlineData("a slot reused within a launch by hops alone", "sc", 0, "")]
    [InlineData("a barrier that one thread does not reach", "sc weak", 2, "block_barrier at litmus\\S*:\\d+, waiting for other threads")]
    [InlineData("a livelock", "sc weak", 2, "no end after")]
    [InlineData("a loop without a primitive", "sc weak", 2, "a loop without one")]
    [InlineData("a store behind the memory", "sc weak", 3, "lie in no memory of the case")]
    [InlineData("a null pointer", "sc weak", 3, "Segmentation fault")]
    public async Task A_program_that_goes_wrong_says_how_and_where(string how, string models, int exitCode, string message)
    {
        string binary = await Emulator.BuildAsync("litmus", []);
        foreach (string model in models.Split(' '))
        {
            Outcome outcome = await Emulator.RunAsync(binary, model, "--test", how);
            Assert.True((Verdict)exitCode == outcome.Verdict, outcome.Output + outcome.Errors);
            if (exitCode == 0)
                continue;
            Assert.Matches(message, outcome.Errors);
            Assert.Matches(@"Reproduce: \S+ --seed \d+ --cases 1 ", outcome.Errors);
            Assert.Matches(@"rank \d, grid 0, block 0, thread \d: (.* at litmus\S*:\d+|at its beginning)", outcome.Errors);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Elements_are_converted_as_the_reference_does_it(int hasFloat8)
    {
        Outcome outcome = await Emulator.RunAsync(await Emulator.BuildAsync("elements", [$"-DHAS_FLOAT8={hasFloat8}"]), "sc", "--cases", "3");
        Assert.True(outcome.Verdict == Verdict.Passed, outcome.Errors);
    }
}
