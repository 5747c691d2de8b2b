using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>
/// The files that a topology is read from: this machine's, a copy's below another root, or a recording. Nothing here throws for what lies in the tree: what can't
/// be read is a problem, and null. Links are followed inside the tree, absolute ones from its root.
/// </summary>
internal abstract class FileTree
{
    /// <summary>Of a file; sysfs gives at most a page.</summary>
    internal const int MaxBytes = 64 << 10;

    /// <summary>Of a folder.</summary>
    internal const int MaxEntries = 4096;

    private const int MaxLinks = 40;

    private readonly Dictionary<string, string?> _resolved = new(StringComparer.Ordinal);

    // Every file of a device is reached through the same folders and links.
    private readonly Dictionary<string, FileEntry> _seen = new(StringComparer.Ordinal);

    /// <summary>What could not be read, by path.</summary>
    internal Dictionary<string, string> Problems { get; } = new(StringComparer.Ordinal);

    /// <summary>What lies at a path whose parents are folders; a link is not followed.</summary>
    internal abstract FileEntry Look(string path);

    /// <summary>At most <see cref="MaxBytes"/> + 1 bytes of a file; null and a problem if they can't be had.</summary>
    internal abstract byte[]? ReadBytes(string path, out string? problem);

    /// <summary>Names in a folder, at most <see cref="MaxEntries"/> + 1, in any order; null and a problem if they can't be had.</summary>
    internal abstract IReadOnlyList<string>? Names(string path, out string? problem);

    /// <summary>The path with all links followed; null if there is nothing.</summary>
    internal string? Resolve(string path)
    {
        if (!_resolved.TryGetValue(path, out string? result))
        {
            int links = 0;
            result = Walk(path, ref links);
            _resolved[path] = result;
        }

        return result;
    }

    internal bool Exists(string path) => Resolve(path) is not null;

    /// <summary>The file's text without white space around it; null if there is none or it can't be read. <paramref name="quiet"/>: the kernel refuses some in ordinary life.</summary>
    internal string? Read(string path, int most = MaxBytes, bool quiet = false)
    {
        if (Resolve(path) is not { } real || See(real).Kind == FileEntryKind.Folder)
            return null;
        if (Bytes(real, out string? problem) is not { } bytes)
        {
            if (!quiet)
                Problems.TryAdd(path, problem ?? "it can't be read");
            return null;
        }

        if (bytes.Length > MaxBytes && most >= MaxBytes)
            Problems.TryAdd(path, $"it is longer than {MaxBytes} bytes; the rest is left out");
        ReadOnlySpan<byte> text = bytes.AsSpan(0, Math.Min(bytes.Length, most));
        if (text.ContainsAnyInRange((byte)0, (byte)8))
        {
            Problems.TryAdd(path, "it is binary where text belongs");
            return null;
        }

        return Encoding.UTF8.GetString(text).Trim();
    }

    /// <summary>Names in a folder, numbers in their order (mlx5_2 before mlx5_10); empty if there is none or it can't be read.</summary>
    internal IReadOnlyList<string> List(string path)
    {
        if (Resolve(path) is not { } real || See(real).Kind != FileEntryKind.Folder)
            return [];
        if (Names(real, out string? problem) is not { } names)
        {
            Problems.TryAdd(path, problem ?? "it can't be listed");
            return [];
        }

        if (names.Count > MaxEntries)
            Problems.TryAdd(path, $"it has more than {MaxEntries} entries; the rest is left out");
        return [.. names.Take(MaxEntries).Order(NaturalOrder.Instance)];
    }

    /// <summary>The last name of what a link leads to, whether or not that is there; null if it is no link.</summary>
    internal string? LinkName(string path)
    {
        if (Parent(path) is not { } parent || Resolve(parent) is not { } folder)
            return null;
        FileEntry entry = See(Join(folder, NameOf(path)));
        return entry.Kind == FileEntryKind.Link ? NameOf(entry.Target!) : null;
    }

    protected static string? Parent(string path) => path.LastIndexOf('/') switch { > 0 and var slash => path[..slash], 0 when path.Length > 1 => "/", _ => null };

    protected static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static string Join(string folder, string name) => folder == "/" ? "/" + name : $"{folder}/{name}";

    private FileEntry See(string path)
    {
        if (!_seen.TryGetValue(path, out FileEntry? entry))
            _seen[path] = entry = Look(path);
        return entry;
    }

    private string? Walk(string path, ref int links)
    {
        string real = "/";
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name is "." or "..")
            {
                real = name == "." ? real : Parent(real) ?? "/";
                continue;
            }

            string next = Join(real, name);
            FileEntry entry = See(next);
            if (entry.Kind == FileEntryKind.Link)
            {
                if (++links > MaxLinks)
                {
                    Problems.TryAdd(path, "its links lead in a circle");
                    return null;
                }

                string target = entry.Target!.StartsWith('/') ? entry.Target : Join(real, entry.Target);
                if (Walk(target, ref links) is not { } followed)
                    return null;
                real = followed;
                continue;
            }

            if (entry.Kind == FileEntryKind.Missing)
                return null;
            real = next;
        }

        return real;
    }

    private byte[]? Bytes(string real, out string? problem)
    {
        try
        {
            return ReadBytes(real, out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problem = e.Message;
            return null;
        }
    }
}
