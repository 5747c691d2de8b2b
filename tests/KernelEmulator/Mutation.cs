namespace CollectivesSharp.KernelEmulator;

/// <summary>A file of mutations/: what it does to a kernel, and what that must lead to. Lines "name: value", then a unified diff against Cuda/Kernels/Source.</summary>
/// <param name="Program">The program of programs/ that must find it.</param>
/// <param name="Build">Its macros.</param>
/// <param name="Defines">Macros that put a fault into what the program plays of the host; then there may be no diff.</param>
/// <param name="CaughtAs">The verdicts that count.</param>
/// <param name="Models">The memory models, tried in this order; one that is left out must not find it within the budget of the other.</param>
internal sealed record Mutation(string Name, string Program, string[] Build, string[] Defines, Verdict[] CaughtAs, string[] Models, UnifiedDiff Diff)
{
    internal static string Folder => Path.Combine(Emulator.Folder, "mutations");

    internal static Mutation Read(string name)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Folder, name + ".patch"));
        int diff = Array.FindIndex(lines, line => line.StartsWith("--- ", StringComparison.Ordinal));
        diff = diff < 0 ? lines.Length : diff;
        Dictionary<string, string> head = lines.Take(diff).Where(line => line.Contains(": ", StringComparison.Ordinal)).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        return new Mutation(
            name,
            head["program"],
            [.. head["build"].Split(' ').Select(define => "-D" + define)],
            [.. head.GetValueOrDefault("define", "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(define => "-D" + define)],
            [.. head["caught as"].Split(" or ").Select(verdict => verdict switch { "wrong data" => Verdict.WrongData, "deadlock" => Verdict.Deadlock, "crash" => Verdict.Crash, _ => throw new FormatException($"{name}: caught as {verdict}?") })],
            head.GetValueOrDefault("models", "sc weak").Split(' '),
            UnifiedDiff.Parse(name, lines.AsSpan(diff)));
    }
}
