using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace CollectivesSharp;

/// <summary>
/// A store in a folder of a file system that all ranks see, NFS included: one file a key, published by rename, so that nobody reads half a value. Changes
/// happen under an exclusive lock on an open file, which the kernel takes back from a process that dies. Waiting means looking again, after 1 ms at first and every
/// 100 ms later; over NFS a new key may be seen only when the mount's directory cache expires (mount with lookupcache=positive to have it at once).
/// Everybody who may write the folder may join or disturb the job; a folder that is made here belongs to the user alone (0700).
/// </summary>
public sealed class FileStore : IStore
{
    private const string LockName = "lock";
    private const string PendingName = "pending";
    private const int MaxNameLength = 200;
    private const int ESTALE = 116;
    private const int Retries = 5;

    private readonly StoreLimits _limits;
    private readonly Func<FileStore, ValueTask>? _leave;
    private readonly SemaphoreSlim _inProcess = new(1);

    private FileStore(string directory, StoreLimits limits, Func<FileStore, ValueTask>? leave)
    {
        Directory = directory;
        _limits = limits;
        _leave = leave;
    }

    public string Directory { get; }

    /// <summary>
    /// Makes the folder if need be; it stays when the store is disposed, and serves one job (remove it before the next). Throws <see cref="StoreException"/> if
    /// it can't be written, or if its file system has no locks.
    /// </summary>
    public static FileStore Open(string directory, StoreLimits? limits = null) => Open(directory, limits, leave: null);

    /// <summary><paramref name="leave"/> runs when the store is disposed.</summary>
    internal static FileStore Open(string directory, StoreLimits? limits, Func<FileStore, ValueTask>? leave)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        directory = Path.GetFullPath(directory);
        try
        {
            MakeFolder(directory);
            FileLock.DemandSupport(directory);
        }
        catch (Exception e) when (e is IOException and not StoreException or UnauthorizedAccessException)
        {
            throw new StoreException($"The store can't use the folder {directory}: {e.Message}", e);
        }

        return new FileStore(directory, limits ?? StoreLimits.Default, leave);
    }

    public async ValueTask SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        await ChangeAsync(key, (_, put) => put(value), cancellationToken).ConfigureAwait(false);

    public async ValueTask<byte[]> GetAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        string path = PathOf(key);
        byte[]? value = null;
        await WaitUntilAsync(() => (value = Read(path)) is null ? [key] : [], timeout, cancellationToken).ConfigureAwait(false);
        return value!;
    }

    public ValueTask<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(PathOf(key)));
    }

    public async ValueTask WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        List<(string Key, string Path)> missing = [.. keys.Select(key => (key, PathOf(key)))];
        await WaitUntilAsync(
            () =>
            {
                missing.RemoveAll(item => File.Exists(item.Path));
                if (missing.Count > 0)
                    DemandFolder();
                return missing.Select(item => item.Key);
            },
            timeout,
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<long> AddAsync(string key, long delta, CancellationToken cancellationToken = default)
    {
        long sum = 0;
        await ChangeAsync(key, (current, put) => put(StoreCounter.Format(sum = StoreCounter.Add(key, current, delta))), cancellationToken).ConfigureAwait(false);
        return sum;
    }

    public async ValueTask<byte[]?> CompareSetAsync(string key, byte[]? expected, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        byte[]? held = null;
        await ChangeAsync(
            key,
            (current, put) =>
            {
                held = current;
                if (expected is null ? current is not null : current is null || !expected.AsSpan().SequenceEqual(current))
                    return;
                put(value);
                held = value.ToArray();
            },
            cancellationToken).ConfigureAwait(false);
        return held;
    }

    public async ValueTask<bool> DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        bool existed = false;
        await ChangeAsync(
            key,
            (current, put) =>
            {
                existed = current is not null;
                if (existed)
                    put(null);
            },
            cancellationToken).ConfigureAwait(false);
        return existed;
    }

    public ValueTask DisposeAsync() => _leave?.Invoke(this) ?? ValueTask.CompletedTask;

    /// <summary>Runs <paramref name="change"/> under the lock with the key's value and a way to replace (or, by null, remove) it.</summary>
    private async Task ChangeAsync(string key, Action<byte[]?, Action<ReadOnlyMemory<byte>?>> change, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        await _inProcess.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            FileStream held = await FileLock.AcquireAsync(Path.Combine(Directory, LockName), cancellationToken).ConfigureAwait(false);
            await using (held.ConfigureAwait(false))
            {
                byte[]? current = Read(path);
                change(current, value => Put(held, key, path, current, value));
            }
        }
        catch (Exception e) when (e is IOException and not StoreException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }
        finally
        {
            _inProcess.Release();
        }
    }

    /// <summary>The lock is held, and its file keeps the total of all keys and values. A holder that dies between the two writes leaves the total too large, never too small.</summary>
    private void Put(FileStream held, string key, string path, byte[]? current, ReadOnlyMemory<byte>? value)
    {
        Span<byte> text = stackalloc byte[sizeof(long)];
        held.Position = 0;
        long total = held.ReadAtLeast(text, text.Length, throwOnEndOfStream: false) == text.Length ? BinaryPrimitives.ReadInt64LittleEndian(text) : 0;
        long keyBytes = Encoding.UTF8.GetByteCount(key);
        long changed = total + (value is { } added ? added.Length + keyBytes : 0) - (current is null ? 0 : current.Length + keyBytes);
        if (value is { } whole)
        {
            _limits.CheckValue(key, whole.Length);
            _limits.CheckTotal(key, changed);
            string pending = Path.Combine(Directory, PendingName);
            using (FileStream file = new(pending, FileLock.Options(FileMode.Create)))
                file.Write(whole.Span);
            if (changed > total)
                WriteTotal(held, changed);
            File.Move(pending, path, overwrite: true);
        }
        else
            File.Delete(path);

        if (changed < total)
            WriteTotal(held, changed);

        static void WriteTotal(FileStream held, long total)
        {
            Span<byte> text = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(text, total);
            held.Position = 0;
            held.Write(text);
            held.Flush();
        }
    }

    private byte[]? Read(string path)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return File.ReadAllBytes(path);
            }
            catch (FileNotFoundException)
            {
                return null;
            }
            catch (IOException e) when (e.HResult == ESTALE && attempt < Retries)
            {
                // NFS: another machine has replaced the file while it was being read.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Unusable(e);
            }
        }
    }

    /// <summary>Asks <paramref name="missing"/> until it names no key.</summary>
    private async Task WaitUntilAsync(Func<IEnumerable<string>> missing, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        long start = Stopwatch.GetTimestamp();
        for (int pause = 1; ; pause = Math.Min(pause * 2, 100))
        {
            cancellationToken.ThrowIfCancellationRequested();
            TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
            string[] keys = [.. missing()];
            if (keys.Length == 0)
                return;
            if (left <= TimeSpan.Zero)
                throw new TimeoutException($"Store in {Directory}: after {timeout.TotalSeconds:0.###} s nobody had set {string.Join(", ", keys.Select(key => $"'{key}'"))}.");
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(pause, Math.Ceiling(left.TotalMilliseconds))), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Readable where that is short enough; no key's name is another's, the lock's or a path out of the folder.</summary>
    private string PathOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _limits.CheckKey(key);
        string name = Uri.EscapeDataString(key);
        return Path.Combine(Directory, name.Length <= MaxNameLength ? $"key-{name}" : $"digest-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}");
    }

    private void DemandFolder()
    {
        if (!System.IO.Directory.Exists(Directory))
            throw Unusable(new DirectoryNotFoundException("the folder is gone"));
    }

    private StoreException Unusable(Exception inner) => new($"The store in {Directory} can't be used any more: {inner.Message}", inner);

    /// <summary>Another rank may be removing the empty parent at the same time; see <see cref="JobFolder"/>.</summary>
    private static void MakeFolder(string directory)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                System.IO.Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                return;
            }
            catch (DirectoryNotFoundException) when (attempt < Retries)
            {
            }
        }
    }
}
