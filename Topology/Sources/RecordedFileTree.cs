using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>
/// Files from a recording, one a line: path, a tab, and "/" for a folder, "-> target" for a link, "= content" for a file (\n, \t, \\ and \xHH escaped), "! reason"
/// for one that can't be read. Folders above an entry need no line. Lines that are empty or begin with # say nothing.
/// </summary>
internal sealed class RecordedFileTree : FileTree
{
    private readonly Dictionary<string, (char Mark, string Value)> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _folders = new(StringComparer.Ordinal) { ["/"] = [] };

    internal RecordedFileTree(string text)
    {
        int number = 0, bad = 0;
        foreach (ReadOnlySpan<char> each in text.AsSpan().EnumerateLines())
        {
            number++;
            ReadOnlySpan<char> line = each;
            if (line.IsWhiteSpace() || line[0] == '#')
                continue;
            int tab = line.IndexOf('\t');
            if (tab < 2 || line[0] != '/' || tab + 1 >= line.Length || !Add(line[..tab].ToString(), line[(tab + 1)..]))
            {
                if (++bad <= 3)
                    Problems.TryAdd($"line {number}", "it is no entry of a recording: expected a path, a tab, and /, -> target, = content or ! reason");
            }
        }
    }

    internal override FileEntry Look(string path)
    {
        if (_entries.TryGetValue(path, out (char Mark, string Value) entry))
        {
            if (entry.Mark == '-')
                return new FileEntry(FileEntryKind.Link, entry.Value);
            if (entry.Mark is '=' or '!')
                return new FileEntry(FileEntryKind.File);
        }

        return new FileEntry(_folders.ContainsKey(path) ? FileEntryKind.Folder : FileEntryKind.Missing);
    }

    internal override byte[]? ReadBytes(string path, out string? problem)
    {
        (char mark, string value) = _entries[path];
        problem = mark == '!' ? value : null;
        return mark == '!' ? null : Unescape(value);
    }

    internal override IReadOnlyList<string>? Names(string path, out string? problem)
    {
        problem = null;
        return [.. _folders[path]];
    }

    private bool Add(string path, ReadOnlySpan<char> entry)
    {
        char mark = entry[0];
        int skip = mark == '-' ? 3 : 2;
        if (mark is not ('/' or '-' or '=' or '!') || (mark == '-' && (!entry.StartsWith("-> ") || entry.Length == 3)) || path.EndsWith('/') || path.Length > 1024)
            return false;
        if (_entries.TryAdd(path, (mark, entry.Length > skip ? entry[skip..].ToString() : "")))
        {
            if (mark == '/')
                _folders.TryAdd(path, []);
            for (string? below = path, folder = Parent(path); folder is not null; below = folder, folder = Parent(folder))
            {
                if (_folders.TryGetValue(folder, out HashSet<string>? names))
                {
                    names.Add(NameOf(below));
                    break;
                }

                _folders[folder] = [NameOf(below)];
            }
        }

        return true;
    }

    private static byte[] Unescape(string value)
    {
        if (!value.Contains('\\'))
            return Encoding.UTF8.GetBytes(value);
        List<byte> bytes = new(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] != '\\' || i + 1 == value.Length)
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(value.Substring(i, char.IsHighSurrogate(value[i]) && i + 1 < value.Length ? 2 : 1)));
                i += char.IsHighSurrogate(value[i]) ? 1 : 0;
            }
            else if (value[++i] == 'x' && i + 2 < value.Length && byte.TryParse(value.AsSpan(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte code))
            {
                bytes.Add(code);
                i += 2;
            }
            else
            {
                bytes.Add(value[i] switch { 'n' => (byte)'\n', 't' => (byte)'\t', 'r' => (byte)'\r', _ => (byte)value[i] });
            }
        }

        return [.. bytes];
    }
}
