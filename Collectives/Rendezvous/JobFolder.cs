using System.Globalization;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Where the ranks of a job meet in a folder: COLLECTIVES_STORE / one folder a job / one a group of all ranks. The last rank to leave removes it; one that was
/// killed leaves nobody last, and the folder stays.
/// </summary>
internal static class JobFolder
{
    internal const string Variable = "COLLECTIVES_STORE";

    /// <summary>"file:///dir" or "/dir"; null if there is none. Throws <see cref="LaunchException"/> for anything else.</summary>
    internal static string? ParseRoot(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return null;
        string path = Uri.TryCreate(value, UriKind.Absolute, out Uri? address) && address.IsFile && address.Host.Length == 0 ? address.LocalPath : value;
        return Path.IsPathRooted(path)
            ? path
            : throw new LaunchException($"{Variable}={value} is no folder: it takes file:///folder or an absolute path. A store over TCP is set by COLLECTIVES_MASTER_ADDR and COLLECTIVES_MASTER_PORT.");
    }

    internal static string PathOf(string root, LaunchEnvironment environment, int creation) => environment.JobId is { } job
        ? Path.Combine(root, $"collectives-sharp-{PosixNative.geteuid()}-{GroupFormation.Digest(job)}", creation.ToString(CultureInfo.InvariantCulture))
        : throw new LaunchException($"{Variable} is set and {environment.Launcher} gives the job no name. Set COLLECTIVES_JOB_ID, the same on every rank and another one for each job.");

    internal static async Task<FileStore> OpenAsync(string path, LaunchEnvironment environment, CancellationToken cancellationToken)
    {
        FileStore store = FileStore.Open(path, limits: null, folder => LeaveAsync(folder, environment.WorldSize));
        long opened = await store.AddAsync($"opened/{environment.Rank}", 1, cancellationToken).ConfigureAwait(false);
        return opened == 1
            ? store
            : throw new StoreException($"Rank {environment.Rank} has been in {path} before: a job of the same name ({environment.JobId}) ended without removing it, or two processes were started as this rank. Remove the folder, or give each job its own COLLECTIVES_JOB_ID.");
    }

    private static async ValueTask LeaveAsync(FileStore store, int worldSize)
    {
        try
        {
            if (await store.AddAsync("left", 1).ConfigureAwait(false) < worldSize)
                return;
            Directory.Delete(store.Directory, recursive: true);

            // Only if no other group of the job is there.
            Directory.Delete(Path.GetDirectoryName(store.Directory)!);
        }
        catch (IOException)
        {
            // The file system is away, or somebody removed the folder: nothing that this rank still needs.
        }
    }
}
