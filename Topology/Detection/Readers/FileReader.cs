using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>Reads a tree's files as what they should hold; what they don't is a warning and null.</summary>
internal sealed class FileReader(FileTree files, WarningList warnings)
{
    internal FileTree Files { get; } = files;

    /// <summary>One line of printable text; empty if there is none.</summary>
    internal string Line(string path, bool quiet = false)
    {
        string text = Files.Read(path, quiet: quiet) ?? "";
        if (text.Length > 256 || text.AsSpan().ContainsAnyInRange('\0', '\u001f'))
        {
            Malformed(path, "a line of text");
            int end = text.AsSpan().IndexOfAnyInRange('\0', '\u001f');
            return text[..Math.Min(end < 0 ? text.Length : end, 256)];
        }

        return text;
    }

    /// <summary>A whole number in <paramref name="least"/>..<paramref name="most"/>; null if there is none.</summary>
    internal int? Number(string path, int least = 0, int most = int.MaxValue)
    {
        if (Files.Read(path) is not { } text)
            return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most)
            return number;
        return Malformed(path, $"a number from {least} to {most}");
    }

    /// <summary>0x and hex digits; null if there is none.</summary>
    internal int? Hex(string path, int most)
    {
        if (Files.Read(path) is not { } text)
            return null;
        if (text.StartsWith("0x", StringComparison.Ordinal) && int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int number) && number >= 0 && number <= most)
            return number;
        return Malformed(path, "0x and hex digits");
    }

    /// <summary>A list such as 0-31,64-95; empty if there is none.</summary>
    internal string Cpus(string path)
    {
        if (Files.Read(path) is not { Length: > 0 } text)
            return "";
        if (CpuList.IsValid(text))
            return text;
        Malformed(path, "a list of processors such as 0-31,64-95");
        return "";
    }

    internal int? Malformed(string path, string expected)
    {
        warnings.Add(TopologyWarningKind.FileMalformed, path, $"it does not hold {expected}, but '{Short(Files.Read(path) ?? "")}'; it is taken for unknown");
        return null;
    }

    private static string Short(string text) => text.Length > 40 ? text[..40] + "…" : text;
}
