using System.Globalization;
using Xunit;

namespace CollectivesSharp.KernelEmulator;

/// <summary>Every kernel, world size and type under both memory models, by as many seeds as the time allows.</summary>
public sealed class KernelTests
{
    private static readonly string[] s_models = ["sc", "weak"];

    // Two programs for every variant: one a model.
    private static readonly int s_programs = Kernel.All.Sum(kernel => kernel.WorldSizes.Sum(size => kernel.VariantsAt(size).Length) * s_models.Length);

    public static TheoryData<string, int> Cases => [.. from kernel in Kernel.All from worldSize in kernel.WorldSizes select (kernel.Program, worldSize)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Every_call_ends_with_the_same_bits_whatever_the_order(string program, int worldSize)
    {
        Kernel kernel = Kernel.All.Single(kernel => kernel.Program == program);
        string seconds = (Emulator.Seconds * Environment.ProcessorCount / s_programs).ToString("F2", CultureInfo.InvariantCulture);
        string[][] variants = kernel.VariantsAt(worldSize);
        Outcome[][] outcomes = await Task.WhenAll(variants.Select(async variant =>
        {
            string binary = await Emulator.BuildAsync(program, [$"-DWORLD_SIZE={worldSize}", .. variant]);
            return await Task.WhenAll(s_models.Select(model => Emulator.RunAsync(binary, model, "--cases", "1000000000", "--seconds", seconds)));
        }));

        for (int i = 0; i < s_models.Length; i++)
            Console.WriteLine($"   {program}, {worldSize} ranks, {s_models[i],-4}: {outcomes.Sum(each => each[i].Cases)} seeds over {variants.Length} types and operations, {outcomes.Sum(each => each[i].Calls)} grids");
        Assert.All(outcomes.SelectMany(each => each), outcome => Assert.True(outcome.Verdict == Verdict.Passed && outcome.Cases > 0, outcome.Errors));
    }
}
