namespace CollectivesSharp.Interop;

/// <summary>Listing folders whose names end in a version; what can't be read is empty.</summary>
internal static class FileNames
{
    public static string[] Directories(string folder, string pattern) => List(folder, () => Directory.GetDirectories(folder, pattern));

    public static string[] Files(string folder, string pattern) => List(folder, () => Directory.GetFiles(folder, pattern));

    /// <summary>"python3.9" after "python3.12": by the numbers in the last part of each path.</summary>
    public static IEnumerable<string> NewestFirst(IEnumerable<string> paths) =>
        paths.OrderByDescending(Numbers, Comparer<int[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right))).ThenBy(path => path, StringComparer.Ordinal);

    /// <summary>The folders below <paramref name="folder"/> that a relative path with * in it stands for, newest first.</summary>
    public static IEnumerable<string> Expand(string folder, string relative)
    {
        IEnumerable<string> folders = [folder];
        foreach (string part in relative.Split('/'))
        {
            folders = part.Contains('*', StringComparison.Ordinal)
                ? folders.SelectMany(parent => NewestFirst(Directories(parent, part)))
                : folders.Select(parent => Path.Combine(parent, part));
        }

        return folders;
    }

    private static string[] List(string folder, Func<string[]> list)
    {
        try
        {
            return Directory.Exists(folder) ? list() : [];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static int[] Numbers(string path)
    {
        var numbers = new List<int>();
        foreach (string part in Path.GetFileName(path).Split('.', '-', '_'))
        {
            if (int.TryParse(part.AsSpan(part.AsSpan().LastIndexOfAnyExceptInRange('0', '9') + 1), out int number))
                numbers.Add(number);
        }

        return [.. numbers];
    }
}
