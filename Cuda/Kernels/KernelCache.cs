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

    private const string Name = "kernels";

    internal static KernelCache Default { get; } = new(CacheFolder.Find(Variable, Name));

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
        if (folder is not null)
            _ = CacheFolder.Keep(PathOf(key), [.. SHA256.HashData(cubin), .. cubin]);
    }

    private string PathOf(string key) => Path.Combine(folder!, key + ".cubin");

    /// <summary>Null: nowhere.</summary>
    internal static string? FolderOf(string? named, string? cacheHome, string profile) => CacheFolder.Of(named, cacheHome, profile, Name);
}
