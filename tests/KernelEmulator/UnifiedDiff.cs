namespace CollectivesSharp.KernelEmulator;

/// <summary>A unified diff whose context must be found exactly once in its file, wherever: line numbers may be out of date, the text may not.</summary>
internal sealed class UnifiedDiff
{
    private sealed record Hunk(string File, string Old, string New);

    private readonly string _name;
    private readonly List<Hunk> _hunks = [];

    private UnifiedDiff(string name) => _name = name;

    internal static UnifiedDiff Parse(string name, ReadOnlySpan<string> lines)
    {
        UnifiedDiff diff = new(name);
        string file = "";
        List<string> old = [], fresh = [];
        foreach (string line in (string[])[.. lines, "@@"])
        {
            if (old.Count > 0 && (line.StartsWith("@@", StringComparison.Ordinal) || line.StartsWith("--- ", StringComparison.Ordinal)))
            {
                diff._hunks.Add(new Hunk(file, string.Concat(old.Select(each => each + "\n")), string.Concat(fresh.Select(each => each + "\n"))));
                old = [];
                fresh = [];
            }
            if (line.StartsWith("--- a/", StringComparison.Ordinal))
                file = line["--- a/".Length..];
            else if (line.StartsWith("+++ ", StringComparison.Ordinal) || line.StartsWith("@@", StringComparison.Ordinal))
                continue;
            else if (line.Length == 0 || line[0] is not (' ' or '-' or '+'))
                throw new FormatException($"{name}: cannot read the line \"{line}\"");
            else
            {
                if (line[0] != '+')
                    old.Add(line[1..]);
                if (line[0] != '-')
                    fresh.Add(line[1..]);
            }
        }
        return diff;
    }

    /// <summary>Changes the files in the folder.</summary>
    internal void Apply(string folder)
    {
        foreach (Hunk hunk in _hunks)
        {
            string path = Path.Combine(folder, hunk.File), text = File.ReadAllText(path);
            int at = text.IndexOf(hunk.Old, StringComparison.Ordinal);
            if (at < 0 || text.IndexOf(hunk.Old, at + 1, StringComparison.Ordinal) >= 0)
                throw new InvalidOperationException($"mutations/{_name}.patch: these lines are in {hunk.File} {(at < 0 ? "no more" : "more than once")}; bring the patch up to date:\n{hunk.Old}");
            File.WriteAllText(path, string.Concat(text.AsSpan(0, at), hunk.New, text.AsSpan(at + hunk.Old.Length)));
        }
    }
}
