namespace CollectivesSharp.Cuda;

/// <summary>A folder of files that all processes of a user share and that nobody reads half of. Compiled into CollectivesSharp as well: it is no part of what this package offers.</summary>
internal static class CacheFolder
{
    /// <summary>What the variable names ("off": null, nowhere), else $XDG_CACHE_HOME or ~/.cache, collectives-sharp/<paramref name="name"/>.</summary>
    internal static string? Find(string variable, string name) =>
        Of(Environment.GetEnvironmentVariable(variable), Environment.GetEnvironmentVariable("XDG_CACHE_HOME"), Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), name);

    internal static string? Of(string? named, string? cacheHome, string profile, string name)
    {
        if (named == "off")
            return null;
        if (!string.IsNullOrEmpty(named))
            return named;
        string home = string.IsNullOrEmpty(cacheHome) ? Path.Combine(profile, ".cache") : cacheHome;
        return Path.IsPathRooted(home) ? Path.Combine(home, "collectives-sharp", name) : null;
    }

    /// <summary>Writes beside and moves into place; makes the folder, for this user alone. Null, or why the file is not there.</summary>
    internal static string? Keep(string path, ReadOnlySpan<byte> content)
    {
        string folder = Path.GetDirectoryName(path)!, unfinished = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}.{Guid.NewGuid():n}");
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.WriteAllBytes(unfinished, content);
            File.Move(unfinished, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(unfinished);
            return e.Message;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk, say: the file is of no use and no harm.
        }
    }
}
