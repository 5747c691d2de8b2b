using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>Passes on another tree's files and writes down each one that was looked at, in <see cref="RecordedFileTree"/>'s form.</summary>
internal sealed class RecordingFileTree(FileTree inner) : FileTree
{
    private readonly SortedDictionary<string, string> _lines = new(StringComparer.Ordinal);

    /// <summary>The recording so far.</summary>
    internal IReadOnlyDictionary<string, string> Lines => _lines;

    internal override FileEntry Look(string path)
    {
        FileEntry entry = inner.Look(path);
        if (entry.Kind == FileEntryKind.Link)
            _lines[path] = "-> " + entry.Target;
        else if (entry.Kind == FileEntryKind.Folder)
            _lines[path] = "/";
        else if (entry.Kind == FileEntryKind.File)
            _lines.TryAdd(path, "= ");
        return entry;
    }

    internal override byte[]? ReadBytes(string path, out string? problem)
    {
        byte[]? bytes = inner.ReadBytes(path, out problem);
        _lines[path] = bytes is null ? "! " + (problem ?? "it can't be read").ReplaceLineEndings(" ") : "= " + Escape(bytes);
        return bytes;
    }

    internal override IReadOnlyList<string>? Names(string path, out string? problem) => inner.Names(path, out problem);

    private static string Escape(byte[] bytes)
    {
        StringBuilder text = new(bytes.Length);
        // What a topology reads of a longer file is in its beginning (/proc/cpuinfo).
        foreach (byte b in bytes.AsSpan(0, Math.Min(bytes.Length, 4096)))
        {
            _ = b switch
            {
                (byte)'\\' => text.Append("\\\\"),
                (byte)'\n' => text.Append("\\n"),
                (byte)'\t' => text.Append("\\t"),
                < 0x20 or > 0x7e => text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{b:x2}"),
                _ => text.Append((char)b),
            };
        }

        return text.ToString();
    }
}
