using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>
/// Tables on disk, a file for each kind of group: written beside and moved into place. In COLLECTIVES_TUNING_CACHE ("off": nowhere), else $XDG_CACHE_HOME or ~/.cache, collectives-sharp/tuning. Nothing that is wrong with a file or
/// the folder is an error: it is a reason to do without.
/// </summary>
internal sealed class AllReduceTuningCache(string? folder)
{
    internal const string Variable = "COLLECTIVES_TUNING_CACHE";

    private const string Name = "tuning";

    /// <summary>A table of all types has some KiB.</summary>
    private const int MostBytes = 1 << 20;

    private const string Nowhere = $"{Variable} is \"off\", or there is no home folder";

    internal static AllReduceTuningCache Default => new(CacheFolder.Find(Variable, Name));

    /// <summary>Whether anybody has ever tuned; without it nobody has to look at the machine.</summary>
    internal bool IsEmpty
    {
        get
        {
            try
            {
                return folder is null || !Directory.EnumerateFiles(folder, "*.json").Any();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return true;
            }
        }
    }

    /// <summary>The file's text, that <see cref="AllReduceTuningFile.Read"/> has found good; else null and the reason.</summary>
    internal byte[]? Find(string key, int worldSize, out string? reason)
    {
        reason = Nowhere;
        if (folder is null)
            return null;
        string path = PathOf(key);
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MostBytes } large)
            {
                reason = $"{path}: {large.Length} bytes are no table";
                return null;
            }

            byte[] text = File.ReadAllBytes(path);
            bool isGood = AllReduceTuningFile.Read(text, key, worldSize, out string? wrong) is not null;
            reason = wrong is null ? null : $"{path}: {wrong}";
            return isGood ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason = e is FileNotFoundException or DirectoryNotFoundException ? $"{path} is not there: nobody has tuned such ranks yet (bench/Perf tune)" : e.Message;
            return null;
        }
    }

    /// <summary>The path, or why it is not kept.</summary>
    internal string Keep(string key, byte[] text)
    {
        if (folder is null)
            return $"not kept: {Nowhere}";
        string path = PathOf(key);
        return CacheFolder.Keep(path, text) is { } reason ? $"not kept: {reason}" : path;
    }

    internal string PathOf(string key) => Path.Combine(folder!, $"all-reduce-{GroupFormation.Digest(key)}.json");

    /// <summary>Null: nowhere.</summary>
    internal static string? FolderOf(string? named, string? cacheHome, string profile) => CacheFolder.Of(named, cacheHome, profile, Name);
}
