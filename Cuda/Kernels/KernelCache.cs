using System.Security.Cryptography;

namespace CollectivesSharp.Cuda;

/// <summary>
/// Compiled kernels on disk, shared by all processes of a user: a file an entry, written beside and moved into place, so that nobody reads half of one; an entry that does not
/// match its checksum counts as missing. In COLLECTIVES_KERNEL_CACHE ("off": nowhere), else $XDG_CACHE_HOME or ~/.cache, collectives-sharp/kernels. A folder that can't be
/// written is no error: kernels are compiled again then.
/// </summary>
internal sealed class KernelCache(string? folder)
{
    internal const string Variable = "COLLECTIVES_KERNEL_CACHE";

    internal static KernelCache Default { get; } = new(FolderOf(Environment.GetEnvironmentVariable(Variable), Environment.GetEnvironmentVariable("XDG_CACHE_HOME"), Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)));

    internal byte[]? Find(string key)
    {
        if (folder is null)
            return null;
        try
        {
            byte[] entry = File.ReadAllBytes(PathOf(key));
            int sum = SHA256.HashSizeInBytes;
            return entry.Length > sum && SHA256.HashData(entry.AsSpan(sum)).AsSpan().SequenceEqual(entry.AsSpan(0, sum)) ? entry[sum..] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal void Keep(string key, byte[] cubin)
    {
        if (folder is null)
            return;
        string? unfinished = null;
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            unfinished = Path.Combine(folder, $".{key}.{Environment.ProcessId}.{Guid.NewGuid():n}");
            File.WriteAllBytes(unfinished, [.. SHA256.HashData(cubin), .. cubin]);
            File.Move(unfinished, PathOf(key), overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (unfinished is not null)
                TryDelete(unfinished);
        }
    }

    private string PathOf(string key) => Path.Combine(folder!, key + ".cubin");

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

    /// <summary>Null: nowhere.</summary>
    internal static string? FolderOf(string? named, string? cacheHome, string profile)
    {
        if (named == "off")
            return null;
        if (!string.IsNullOrEmpty(named))
            return named;
        string home = string.IsNullOrEmpty(cacheHome) ? Path.Combine(profile, ".cache") : cacheHome;
        return Path.IsPathRooted(home) ? Path.Combine(home, "collectives-sharp", "kernels") : null;
    }
}
