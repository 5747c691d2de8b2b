using System.Diagnostics;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// An exclusive lock on an open file: FileShare.None is flock on a local file system and a lock at the server on NFS. It ends when the stream is closed or its
/// process dies.
/// </summary>
internal static class FileLock
{
    /// <summary>A holder writes one small file. Who holds the lock for longer has been stopped, or the file server is away.</summary>
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    internal static async Task<FileStream> AcquireAsync(string path, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        for (int pause = 1; ; pause = Math.Min(pause * 2, 32))
        {
            try
            {
                return Open(path);
            }
            catch (IOException e) when (IsHeldByOther(e))
            {
                if (Stopwatch.GetElapsedTime(start) > s_timeout)
                    throw new StoreException($"The store's lock {path} was not free within {s_timeout.TotalSeconds:0} s: is a rank stopped that holds it (fuser shows which), or the file server away?", e);
            }

            // Not all at the same moments.
            await Task.Delay(1 + Random.Shared.Next(pause), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>.NET ignores a file system that refuses locks, or has been told to (DOTNET_SYSTEM_IO_DISABLEFILELOCKING); counters would then lose additions.</summary>
    internal static void DemandSupport(string directory)
    {
        string path = Path.Combine(directory, $"probe-{Guid.NewGuid():n}");
        using FileStream first = Open(path);
        try
        {
            using FileStream second = Open(path);
        }
        catch (IOException e) when (IsHeldByOther(e))
        {
            return;
        }
        finally
        {
            File.Delete(path);
        }

        throw new StoreException($"The file system of {directory} gives no file locks, which the store needs. Use another one, or unset DOTNET_SYSTEM_IO_DISABLEFILELOCKING.");
    }

    /// <summary>For the user alone, unbuffered, not shared.</summary>
    internal static FileStreamOptions Options(FileMode mode) => new()
    {
        Mode = mode,
        Access = FileAccess.ReadWrite,
        Share = FileShare.None,
        BufferSize = 0,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    private static FileStream Open(string path) => new(path, Options(FileMode.OpenOrCreate));

    private static bool IsHeldByOther(IOException e) => e.HResult == PosixNative.EAGAIN;
}
