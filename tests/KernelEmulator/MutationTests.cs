using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace CollectivesSharp.KernelEmulator;

/// <summary>Kernels with a fault put in: the same programs must find each of them, and find nothing in the kernel as it is.</summary>
public sealed class MutationTests
{
    // Of one mutation under one memory model.
    private const int Cases = 20_000;
    private const string Seconds = "10";

    public static TheoryData<string> Names => [.. Directory.GetFiles(Mutation.Folder, "*.patch").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    [Fact]
    public void Every_kernel_has_mutations()
    {
        HashSet<string> programs = [.. Names.Select(row => Mutation.Read(row.Data).Program)];
        Assert.All(Kernel.All, kernel => Assert.Contains(kernel.Program, programs));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_mutation_is_found_and_the_kernel_as_it_is_passes_the_same_seeds(string name)
    {
        Mutation mutation = Mutation.Read(name);
        string folder = Directory.CreateTempSubdirectory("mutation-").FullName;
        try
        {
            foreach (string file in Directory.GetFiles(Emulator.KernelSources, "*.cu*"))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            mutation.Diff.Apply(folder);
            string mutated = await Emulator.BuildAsync(mutation.Program, [.. mutation.Build, .. mutation.Defines], folder), whole = await Emulator.BuildAsync(mutation.Program, mutation.Build);
            foreach (string model in mutation.Models)
            {
                long start = Stopwatch.GetTimestamp();
                Outcome outcome = await Emulator.RunAsync(mutated, model, "--cases", Cases.ToString(CultureInfo.InvariantCulture), "--seconds", Seconds);
                if (outcome.Verdict == Verdict.Passed)
                    continue;
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                Assert.True(mutation.CaughtAs.Contains(outcome.Verdict), outcome.Errors);
                ulong cases = outcome.FailedSeed - Emulator.Seed + 1;
                Outcome same = await Emulator.RunAsync(whole, model, "--cases", cases.ToString(CultureInfo.InvariantCulture));
                Assert.True(same.Verdict == Verdict.Passed, same.Errors);
                Assert.Equal((long)cases, same.Cases);
                Console.WriteLine($"   {name}: {outcome.Errors.Split('\n')[0]} ({model}, seed {outcome.FailedSeed}, {seconds:F1} s)");
                return;
            }
            Assert.Fail($"{name}: {Cases} seeds or {Seconds} s under each of {string.Join(", ", mutation.Models)} find nothing");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
