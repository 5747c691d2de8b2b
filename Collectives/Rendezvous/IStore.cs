namespace CollectivesSharp;

/// <summary>
/// A small key-value store that all ranks of a job reach: the place where ranks find each other and agree. Keys are UTF-8 of at most
/// 1,024 bytes. Every method may be called from any thread and concurrently. A call on a store that can't be reached any more throws
/// <see cref="StoreException"/>.
/// </summary>
public interface IStore : IAsyncDisposable
{
    ValueTask SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default);

    /// <summary>Waits until the key exists. Throws <see cref="TimeoutException"/> naming the key at the deadline.</summary>
    ValueTask<byte[]> GetAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default);

    /// <summary>The value, or null if the key does not exist now.</summary>
    ValueTask<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Waits until all keys exist. Throws <see cref="TimeoutException"/> naming the keys that are missing at the deadline.</summary>
    ValueTask WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellationToken = default);

    /// <summary>Adds atomically to a counter (0 if absent) and returns the new value; the value reads back as decimal text.</summary>
    ValueTask<long> AddAsync(string key, long delta, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes <paramref name="value"/> if the key's value equals <paramref name="expected"/> (null: if the key does not exist), and
    /// returns what the key holds afterwards: the caller has won if that is its own value. Null: the key does not exist.
    /// </summary>
    ValueTask<byte[]?> CompareSetAsync(string key, byte[]? expected, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default);

    /// <summary>True if the key existed.</summary>
    ValueTask<bool> DeleteAsync(string key, CancellationToken cancellationToken = default);
}
