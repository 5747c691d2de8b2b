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
    [InlineData("a race in block memory", 1, "RACE|race in the block's memory")]
    [InlineData("a deadlock", 2, "nobody gets on")]
    [InlineData("a barrier that one thread does not reach", 2, "block_barrier at litmus.cpp:[0-9]+, waiting for other threads")]
    [InlineData("a livelock", 2, "no end after")]
    [InlineData("a loop without a primitive", 2, "a loop without one")]
    [InlineData("a store behind the memory", 3, "lie in no memory of the case")]
    [InlineData("a null pointer", 3, "Segmentation fault")]
    public async Task A_program_that_goes_wrong_says_how_and_where(string how, int exitCode, string message)
    {
        string binary = await Emulator.BuildAsync("litmus", []);
        foreach (string model in (string[])["sc", "weak"])
        {
            Outcome outcome = await Emulator.RunAsync(binary, model, "--test", how);
            Assert.Equal((Verdict)exitCode, outcome.Verdict);
            Assert.Matches(message, outcome.Errors);
            Assert.Matches(@"Reproduce: \S+ --seed \d+ --cases 1 ", outcome.Errors);
            Assert.Matches(@"rank 0, grid 0, block 0, thread \d: .* at litmus.cpp:\d+", outcome.Errors);
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
